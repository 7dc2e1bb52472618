// Two legs joined: two directions, the deadlines, and why it ended.
//
// Owner: the loop, through the client leg, by whose name JavaScript knows it. It takes both legs over at `join` and closes them
// at its end; the first cause wins. A FIN is passed on when everything before it is; an RST at once, as RST: a FIN would make a
// truncated stream look complete. Deadlines and cuts end in good order instead: what was read is still sent, then FIN.
#pragma once

#include <memory>

#include "relay.h"
#include "timer_wheel.h"
#include "wire.h"

namespace sallyport {

class Loop;

struct TunnelLimits {
  uint32_t index;       // in the counts; JavaScript's name for it in events
  uint32_t idleMs;      // kNever or a span, as on the wire
  uint32_t halfCloseMs;
  uint32_t lifetimeMs;
};

struct Tunnel : TimerNode {
  Tunnel() : TimerNode(TimerOwner::kTunnel) {}

  Direction& up() const { return client->spliced.direction; }
  Direction& down() const { return upstream->spliced.direction; }

  Leg* client = nullptr;
  Leg* upstream = nullptr;
  uint32_t index = 0;
  uint32_t idleMs = kNever;
  uint32_t halfCloseMs = kNever;
  int64_t lifetimeAtMs = 0;
  int64_t lastByteMs = 0;
  int64_t firstFinMs = 0;   // 0: none yet
  int64_t firstByteNs = 0;  // from the upstream; 0: none yet
  int64_t giveUpAtMs = 0;   // 0, or given up: the end of the time in which what was read may still be sent
  TunnelEnd end = kClientClosed;
  bool isReady = false;     // in the loop's list
  bool isStarved = false;   // wants another try at the next tick
  bool isOver = false;
};

// Joins two held legs. What JavaScript read from each before lies in the other's `out` already.
Tunnel& join(Loop& loop, Leg& client, Leg& upstream, const TunnelLimits& limits, uint32_t awaitedUp, uint32_t awaitedDown);

// An event on one of its legs, bytes that came back from JavaScript, or its turn again.
void serveTunnel(Loop& loop, Tunnel& tunnel);
void onTunnelDeadline(Loop& loop, Tunnel& tunnel);
// Ends it in good order, unless it is ending already.
void giveUp(Loop& loop, Tunnel& tunnel, TunnelEnd cause);

}  // namespace sallyport
