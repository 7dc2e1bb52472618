// Accepted clients that JavaScript does not know yet. Each is announced together with its first bytes, so that it costs one wake-up.
//
// A client that sends nothing is announced within kAnnounceMs, since it counts against the limits. Clients are announced in the order
// in which they were accepted.
#pragma once

#include <deque>

#include "address.h"
#include "leg.h"

namespace sallyport {

class Loop;
struct Listener;

struct Arrival {
  LegId leg;
  const Listener* listener;  // alive: a door announces everybody before it is closed
  SocketAddress peer;
  int64_t atMs;
};

class Arrivals {
 public:
  // A client was accepted, and is held.
  void add(Loop& loop, Leg& leg, const Listener& listener, const SocketAddress& peer);
  // `speaker` has sent something or left. Announces it, with the `received` bytes in the loop's buffer, and all clients before it.
  void announce(Loop& loop, const Leg& speaker, size_t received);
  // Announces one that is not waiting any more, with what it has sent.
  void announce(Loop& loop, const Arrival& arrival, const char* bytes, size_t length);
  // The arrival of a client that waits; null where many came after it.
  const Arrival* find(const Leg& client) const;
  // It waits no more.
  void remove(const Leg& client);
  // Announces those that have been silent for kAnnounceMs.
  void announceOld(Loop& loop);
  void announceAll(Loop& loop);
  // When `announceOld` has something to do.
  int64_t dueMs() const;

 private:
  void announceNext(Loop& loop, size_t received);

  std::deque<Arrival> waiting_;
};

}  // namespace sallyport
