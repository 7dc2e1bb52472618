// Two legs joined: two directions, the deadlines, and why the tunnel ended.
//
// Owner: the loop, whose slab holds it. JavaScript names it by the client leg. It owns both legs from `join` on and closes them at its
// end. The first cause wins. A FIN is passed on when everything before it is. An RST is passed on as RST: a FIN would make a truncated
// stream look complete. So a tunnel with a lost leg (an RST, or a write that failed) still reads that leg to its end and sends on what
// was read, while the other takes some of it every kLingerMs. Deadlines and cuts end otherwise: what was read is still sent, then FIN.
// The state of each direction lies in the leg that it reads from.
#pragma once

#include "relay.h"
#include "slab.h"
#include "timer_wheel.h"
#include "wire.h"

namespace sallyport {

class Loop;

struct TunnelLimits {
  uint32_t index;       // in the counts; JavaScript's name for it in events
  uint32_t idleMs;      // kNever or a span, as on the wire
  uint32_t halfCloseMs;
  uint32_t lifetimeMs;
  uint32_t keepAliveSeconds;  // within which a peer that has vanished is noticed; 0: the kernel's own time
  uint32_t quietMs = 0;       // for so long no byte had gone either way when it was joined
};

// So small a field saves two bytes in each tunnel.
constexpr uint32_t kLongestKeepAliveSeconds = (1u << 12) - 1;

struct Tunnel : TimerNode {
  Tunnel()
      : TimerNode(TimerOwner::kTunnel),
        end(kClientClosed),
        isReady(false),
        isStarved(false),
        isHalfClosed(false),
        isLosing(false),
        isGivenUp(false),
        isKeptAlive(false),
        isOver(false),
        keepAliveSeconds(0),
        client(nullptr) {}

  Direction& up() const { return client->spliced.direction; }
  Direction& down() const { return upstream->spliced.direction; }

  TunnelEnd end : 4;           // half-closed, losing or given up: why, or why it will be
  bool isReady : 1;            // in the loop's list
  bool isStarved : 1;          // wants another try at the next tick
  bool isHalfClosed : 1;       // the first FIN has come
  bool isLosing : 1;           // one of its legs is lost, and what that had said is still on its way
  bool isGivenUp : 1;          // what was read may still be sent, until `endsAtMs`
  bool isKeptAlive : 1;        // the kernel was told how long a peer may have vanished
  bool isOver : 1;             // retired: it has no legs any more
  uint32_t keepAliveSeconds : 12;
  uint32_t index = 0;
  union {
    Leg* client;
    Tunnel* nextFree;          // over
  };
  Leg* upstream = nullptr;
  int64_t firstByteNs = 0;     // from the upstream; 0: none yet
  int64_t endsAtMs = 0;        // by its lifetime; given up: the end of that time
  uint32_t idleMs = kNever;
  uint32_t halfCloseMs = kNever;
  // Modulo 2^32, which is enough: each is only compared with its span above, and once that has passed the tunnel ends.
  uint32_t lastByteMs = 0;
  uint32_t halfQuietMs = 0;    // half-closed: the last byte, or the FIN where none has come since
};

static_assert(2 * sizeof(Leg) + sizeof(Tunnel) <= 200, "all that an idle tunnel takes, as slabs add nothing to it");

// Joins two held legs. What JavaScript read from each before lies in the other's `out` already.
Tunnel& join(Loop& loop, Leg& client, Leg& upstream, const TunnelLimits& limits, int64_t upAtMs, uint32_t awaitedUp,
             uint32_t awaitedDown);

// An event on one of its legs, bytes that came back from JavaScript, or its next turn.
void serveTunnel(Loop& loop, Tunnel& tunnel);
void onTunnelDeadline(Loop& loop, Tunnel& tunnel);
// Ends it with FINs, unless it is ending already.
void giveUp(Loop& loop, Tunnel& tunnel, TunnelEnd cause);
// The loop ends: reports this tunnel's end. Its legs are closed elsewhere.
void tellStopped(Loop& loop, Tunnel& tunnel);

}  // namespace sallyport
