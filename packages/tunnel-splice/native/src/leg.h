// A connection to a client or an upstream, as its data thread sees it.
//
// Owner: the thread whose table it lies in; nothing here is touched from any other. Its life:
//
//   dialling -> held -> spliced -> (lingering, resetting) -> closed        an accepted client is born held
//
// held: JavaScript owns it, and bytes go up as events. spliced: a tunnel owns it. lingering, resetting: nobody does but a deadline.
// closed: the descriptor is gone; the place is kept until the current batch of epoll events is done.
//
// Readiness is edge-triggered, so it is remembered here: a flag is set by an epoll event and cleared by a call that found
// nothing more to do.
//
// A connection that is lost (RST, time-out) is found out by an event or by a call that fails. Nothing can be sent any more, but
// what the peer said before still lies in the kernel, and is read to its end: that alone tells an RST from a FIN with an RST behind.
//
// There are two for every tunnel, most of them idle, so a leg is one cache line: what only some states need shares its room.
// A spliced leg has no timer, for its tunnel has one.
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

// What an epoll event can be for; its tag points here.
enum class WatchedKind : uint8_t { kLeg, kListener, kWakeup, kHost };
struct Watched {
  explicit Watched(WatchedKind is) : kind(is) {}
  const WatchedKind kind;
};

enum class LegState : uint8_t { kDialling, kHeld, kSpliced, kLingering, kResetting, kClosed };

// A base of its own, so that all of them begin false: a bit field has no initializer in C++17.
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
  // Into a table, or out of one: not spliced, and before any timer or event knows its address.
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

// What a leg is watched for all its life; and what more it is once a write had to wait. Most never have to, and asking from the
// start would make an event of each one's birth.
constexpr uint32_t kLegEvents = 0x80000000u /* EPOLLET */ | 0x1 /* IN */ | 0x2 /* PRI */ | 0x2000 /* RDHUP */;
constexpr uint32_t kRoomEvents = kLegEvents | 0x4 /* OUT */;

// Changes the state, and begins the part of the leg that goes with it; what the part before held is lost, its timer cancelled.
void enter(Leg& leg, LegState next, Tunnel* tunnel = nullptr);

// Notes what an epoll event says.
void noteReadiness(Leg& leg, uint32_t events);

// Reads at most `limit` bytes; 0 when there are none now. The flags say why: neither readable, ended, nor failed; or still
// readable when the kernel lacked memory, which is worth another try a little later.
size_t receive(Leg& leg, char* into, size_t limit);

// A call for `leg` has failed with `error`: the connection is lost.
void noteLoss(Leg& leg, ssize_t error);

// Sends what the kernel takes of it, and returns how much that was.
size_t transmit(Leg& leg, const char* from, size_t length);

// Sends what waits in `leg.out`; `counted` grows by those bytes that count. True once nothing waits.
bool flush(Leg& leg, uint64_t& counted);

// Sends now what can be sent, and queues the rest.
void write(Leg& leg, const char* from, size_t length);

// True for errors that say nothing about the peer, but that our kernel is short of memory.
bool isShortage(ssize_t error);

}  // namespace sallyport
