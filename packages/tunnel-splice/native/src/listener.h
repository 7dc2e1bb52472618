// One listening socket of a listener: each data thread has its own, and the kernel spreads the clients (SO_REUSEPORT).
#pragma once

#include "leg.h"
#include "timer_wheel.h"

namespace sallyport {

class Loop;

struct Listener : Watched, TimerNode {
  Listener(uint32_t number, int descriptor, bool wildcard, Interception how, uint32_t firstAlike)
      : Watched(WatchedKind::kListener),
        TimerNode(TimerOwner::kListener),
        id(number),
        fd(descriptor),
        isWildcard(wildcard),
        interception(how),
        first(firstAlike) {}

  const uint32_t id;  // JavaScript's name for the door
  int fd;
  const bool isWildcard;  // bound to any address: which one a client chose has to be asked for
  const Interception interception;
  const uint32_t first;  // the same for all that serve alike: what is decided at one of them is decided at all
  uint32_t silenceMs = kNever;  // how long a client may say nothing at all
};

void openListener(Loop& loop, uint32_t id, int fd, bool isWildcard, Interception interception, uint32_t first);

// From the next client on. JavaScript times clients that have sent something; this limit holds even while JavaScript is stalled.
void allowSilence(Loop& loop, uint32_t id, uint32_t silenceMs);

// Clients are queued: accepts them, with what they have sent already.
void acceptClients(Loop& loop, Listener& listener);

// The end of a pause that `acceptClients` made for lack of descriptors, or because JavaScript is stalled.
void resumeAccepting(Loop& loop, Listener& listener);

// Accepts the queued clients (closing the socket would reset them), then closes it.
void closeListener(Loop& loop, uint32_t id);

}  // namespace sallyport
