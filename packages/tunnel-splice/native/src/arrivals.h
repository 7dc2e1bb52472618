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

class Arrivals {
 public:
  // A client was accepted, and is held.
  void add(Loop& loop, Leg& leg, const Listener& listener, const SocketAddress& peer);
  // It has spoken or left: announces it, with the `received` bytes that lie in the loop's buffer, and whoever came before.
  void announce(Loop& loop, const Leg& speaker, size_t received);
  // Those that have been silent for kAnnounceMs.
  void announceOld(Loop& loop);
  void announceAll(Loop& loop);
  // When `announceOld` has something to do.
  int64_t dueMs() const;

 private:
  struct Arrival {
    LegId leg;
    const Listener* listener;  // alive: a door announces everybody before it is closed
    SocketAddress peer;
    int64_t atMs;
  };

  void announceNext(Loop& loop, size_t received);

  std::deque<Arrival> waiting_;
};

}  // namespace sallyport
