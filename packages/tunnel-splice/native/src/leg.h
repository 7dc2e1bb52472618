// A connection to a client or an upstream, as its data thread sees it.
//
// Owner: the thread whose table it lies in; no other thread touches it. Its life:
//
//   dialling -> held -> spliced -> (lingering, resetting) -> closed        an accepted client begins as held
//
// held: JavaScript owns it, and gets its bytes as events. spliced: a tunnel owns it. lingering, resetting: it only waits for its peer or
// a deadline. closed: the descriptor is closed; the place is kept until the current batch of epoll events is done.
//
// Readiness is edge-triggered, so it is remembered here: a flag is set by an epoll event and cleared by a call that found nothing more to
// do.
//
// A lost connection (RST, time-out) is found by an event or by a call that fails. Nothing can be sent any more, but what the peer sent
// before is still in the kernel, and is read to its end. Only that tells an RST from a FIN with an RST behind it.
//
// There are two legs for every tunnel, most of them idle, so a leg is one cache line: what only some states need shares memory. A spliced
// leg has no timer, for its tunnel has one.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "byte_queue.h"
#include "direction.h"
#include "timer_wheel.h"
#include "wire.h"

namespace sallyport {

struct Leg;
struct Tunnel;

// The kinds of objects that epoll events are for; an event's tag points here.
enum class WatchedKind : uint8_t { kLeg, kListener, kWakeup, kHost };
struct Watched {
  explicit Watched(WatchedKind is) : kind(is) {}
  const WatchedKind kind;
};

enum class LegState : uint8_t { kDialling, kHeld, kSpliced, kLingering, kResetting, kClosed };

// A base class, so that all flags begin false: a bit field has no initializer in C++17.
struct LegFlags {
  bool isReadable : 1;      // bytes, FIN or an error may be waiting
  bool isWritable : 1;
  bool hasFin : 1;          // FIN has come, perhaps behind unread bytes
  bool hasEnded : 1;        // every byte before the FIN was read
  bool isFinSent : 1;       // lingering
  bool isLost : 1;          // nothing can be sent any more; what came before may still be read
  bool wasReset : 1;        // lost, and the kernel has told that it was an RST: it tells it once, and then speaks of an end
  bool hasFailed : 1;       // lost, and everything that came before was read: it was an RST, or an error of the same weight
  bool hasUrgent : 1;       // TCP urgent data: a read stops short at it, and splice(2) says EAGAIN before it
  bool wasGoneTold : 1;     // held: JavaScript knows that the peer has left
  bool wasEndTold : 1;      // held: and that no more bytes come
  bool isCut : 1;           // held: its tunnel is to be cut as soon as it is joined
  bool isDrainAwaited : 1;  // held: JavaScript wants to know when nothing it wrote waits any more
  bool isUnannounced : 1;   // held: JavaScript has not heard of it yet
  bool isPromised : 1;      // held: a tunnel is promised to it, and nothing more is read for JavaScript
  bool isWatchedForRoom : 1; // epoll says when it can be written to again
};

// Dialling, held, lingering or resetting.
struct Unspliced : TimerNode {
  explicit Unspliced(Leg& self) : TimerNode(TimerOwner::kLeg), leg(self), credit(0) {}

  uint32_t deadlineMs = 0;  // modulo 2^32, see `Loop::setDeadline`
  Leg& leg;
  union {
    uint32_t dialToken;     // dialling
    uint32_t credit;        // held: so many bytes may still go up
    uint32_t unacked;       // resetting: so many bytes its peer has not acknowledged, when it was last looked at
  };
  union {
    uint32_t sentUp = 0;    // held: so many went up in all, modulo 2^32
    uint32_t giveUpMs;      // resetting: when that number has to be smaller, modulo 2^32
  };
};

struct Spliced {
  explicit Spliced(Tunnel* owner) : tunnel(owner) {}

  Tunnel* tunnel;
  Direction direction;      // what this leg says, on its way to the other one
};

struct alignas(64) Leg : Watched, LegFlags {
  Leg() : Leg(-1, LegState::kClosed) {}
  Leg(int descriptor, LegState born);
  // Moves it into or out of a table. Only while it is not spliced, and before any timer or event has its address.
  Leg(Leg&& from) noexcept;

  LegState state;  // changed by `enter`
  int fd;
  LegId id{};
  ByteQueue out;
  union {
    Unspliced unspliced;
    Spliced spliced;
    Leg* nextFree;          // closed
  };
};

static_assert(sizeof(Leg) <= 64, "two for every tunnel");

// The events that a leg is watched for at all times; and those for a leg with a write that had to wait. Most never have one, and asking
// for them from the start would cause an event for each new leg.
constexpr uint32_t kLegEvents = 0x80000000u /* EPOLLET */ | 0x1 /* IN */ | 0x2 /* PRI */ | 0x2000 /* RDHUP */;
constexpr uint32_t kRoomEvents = kLegEvents | 0x4 /* OUT */;

// Changes the state, and begins the part of the leg that belongs to it. The part before is lost, and its timer cancelled.
void enter(Leg& leg, LegState next, Tunnel* tunnel = nullptr);

// Notes the flags of an epoll event.
void noteReadiness(Leg& leg, uint32_t events);

// Reads at most `limit` bytes; 0 when there are none now. The flags say why: not readable, ended or failed. Or still readable when the
// kernel lacked memory: then a little later it may succeed.
size_t receive(Leg& leg, char* into, size_t limit);

// A call for `leg` has failed with `error`: the connection is lost.
void noteLoss(Leg& leg, ssize_t error);

// Sends what the kernel takes, and returns how much that was.
size_t transmit(Leg& leg, const char* from, size_t length);

// Sends what waits in `leg.out`, and adds the bytes that count to `counted`. True once nothing waits.
bool flush(Leg& leg, uint64_t& counted);

// Sends now what can be sent, and queues the rest.
void write(Leg& leg, const char* from, size_t length);

// True for errors that say nothing about the peer, only that our kernel is short of memory.
bool isShortage(ssize_t error);

}  // namespace sallyport
