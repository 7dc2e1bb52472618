// A connection to a client or an upstream, as its data thread sees it.
//
// Owner: the thread whose table names it; nothing here is touched from any other. Its life:
//
//   dialling -> held -> spliced -> (lingering) -> closed        an accepted client is born held
//
// held: JavaScript owns it, and bytes go up as events. spliced: a tunnel owns it. lingering: nobody does but a deadline.
// closed: the descriptor is gone; the place is kept until the current batch of epoll events is done.
//
// Readiness is edge-triggered, so it is remembered here: a flag is set by an epoll event and cleared by a call that found
// nothing more to do.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <utility>

#include "byte_queue.h"
#include "timer_wheel.h"
#include "wire.h"

namespace sallyport {

struct Tunnel;

// What an epoll event can be for; its tag points here.
enum class WatchedKind : uint8_t { kLeg, kListener, kWakeup };
struct Watched {
  explicit Watched(WatchedKind is) : kind(is) {}
  const WatchedKind kind;
};

enum class LegState : uint8_t { kDialling, kHeld, kSpliced, kLingering, kClosed };

struct Leg : Watched, TimerNode {
  Leg() : Leg(-1, LegState::kClosed) {}
  Leg(int descriptor, LegState born) : Watched(WatchedKind::kLeg), TimerNode(TimerOwner::kLeg), state(born), fd(descriptor) {}

  // Into a table, or out of one: before any timer, tunnel or event knows its address.
  Leg(Leg&& from) noexcept
      : Watched(WatchedKind::kLeg),
        TimerNode(TimerOwner::kLeg),
        state(from.state),
        isReadable(from.isReadable),
        isWritable(from.isWritable),
        hasFin(from.hasFin),
        hasEnded(from.hasEnded),
        hasError(from.hasError),
        hasFailed(from.hasFailed),
        wasGoneTold(from.wasGoneTold),
        wasEndTold(from.wasEndTold),
        isCut(from.isCut),
        isDrainAwaited(from.isDrainAwaited),
        fd(from.fd),
        credit(from.credit),
        sentUp(from.sentUp),
        out(std::move(from.out)) {}

  LegState state;
  bool isReadable = false;  // bytes, FIN or an error may be waiting
  bool isWritable = true;
  bool hasFin = false;      // FIN has come, perhaps behind unread bytes
  bool hasEnded = false;    // every byte before the FIN was read
  bool isFinSent = false;   // lingering
  bool hasError = false;    // epoll says that it has failed; bytes that came before the RST may still be read
  bool hasFailed = false;   // RST, or an error of the same weight: nothing can be read or sent any more
  bool wasGoneTold = false; // held: JavaScript knows that the peer has left
  bool wasEndTold = false;  // held: and that no more bytes come
  bool isCut = false;       // held: its tunnel is to be cut as soon as it is joined
  bool isDrainAwaited = false; // held: JavaScript wants to know when nothing it wrote waits any more
  int fd;
  LegId id{};
  uint32_t credit = 0;      // held: so many bytes may still go up
  uint32_t sentUp = 0;      // held: so many went up in all, modulo 2^32
  uint32_t dialToken = 0;   // dialling
  int64_t deadlineMs = 0;   // dialling, lingering
  Tunnel* tunnel = nullptr; // spliced
  Leg* nextFree = nullptr;  // closed
  ByteQueue out;
};

// What a leg is watched for, once for its whole life.
constexpr uint32_t kLegEvents = 0x80000000u /* EPOLLET */ | 0x1 /* IN */ | 0x4 /* OUT */ | 0x2000 /* RDHUP */;

// Notes what an epoll event says.
void noteReadiness(Leg& leg, uint32_t events);

// Reads at most `limit` bytes; 0 when there are none now. The flags say why: neither readable, ended, nor failed; or still
// readable when the kernel lacked memory, which is worth another try a little later.
size_t receive(Leg& leg, char* into, size_t limit);

// Sends what the kernel takes of it, and returns how much that was.
size_t transmit(Leg& leg, const char* from, size_t length);

// Sends what waits in `leg.out`; `counted` grows by those bytes that count. True once nothing waits.
bool flush(Leg& leg, uint64_t& counted);

// Sends now what can be sent, and queues the rest.
void write(Leg& leg, const char* from, size_t length);

// True for errors that say nothing about the peer, but that our kernel is short of memory.
bool isShortage(ssize_t error);

}  // namespace sallyport
