#include "leg.h"

#include <sys/epoll.h>

#include <cerrno>
#include <new>
#include <utility>

#include "sys.h"

namespace sallyport {

static_assert(kLegEvents == (EPOLLET | EPOLLIN | EPOLLPRI | EPOLLRDHUP), "as spelled in leg.h");
static_assert(kRoomEvents == (kLegEvents | EPOLLOUT), "as spelled in leg.h");

namespace {

bool isUnspliced(LegState state) { return state != LegState::kSpliced && state != LegState::kClosed; }

// Constructs the part of the leg that belongs to its state, over the memory of the part before.
void beginPart(Leg& leg, Tunnel* tunnel) {
  if (isUnspliced(leg.state)) new (&leg.unspliced) Unspliced(leg);
  else if (leg.state == LegState::kSpliced) new (&leg.spliced) Spliced(tunnel);
  else leg.nextFree = nullptr;
}

}  // namespace

Leg::Leg(int descriptor, LegState born) : Watched(WatchedKind::kLeg), LegFlags(), state(born), fd(descriptor) {
  isWritable = true;
  beginPart(*this, nullptr);
}

Leg::Leg(Leg&& from) noexcept
    : Watched(WatchedKind::kLeg), LegFlags(from), state(from.state), fd(from.fd), out(std::move(from.out)), unspliced(*this) {
  unspliced.credit = from.unspliced.credit;
  unspliced.sentUp = from.unspliced.sentUp;
}

void enter(Leg& leg, LegState next, Tunnel* tunnel) {
  const LegState before = std::exchange(leg.state, next);
  if (isUnspliced(before) && isUnspliced(next)) return;
  if (isUnspliced(before)) TimerWheel::cancel(leg.unspliced);
  beginPart(leg, tunnel);
}

void noteReadiness(Leg& leg, uint32_t events) {
  if (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) leg.isReadable = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) leg.isWritable = true;
  if (events & EPOLLRDHUP) leg.hasFin = true;
  if (events & EPOLLPRI) leg.hasUrgent = true;
  if (events & EPOLLERR) leg.isLost = true;
}

size_t receive(Leg& leg, char* into, size_t limit) {
  const ssize_t got = sys::receive(leg.fd, into, limit);
  if (got > 0) {
    // A short read has emptied the socket: what comes later makes a new edge. This does not hold for a FIN or an error that was reported
    // already. And before urgent data a read is short though there is more.
    const bool hasMore = leg.hasFin || leg.isLost || leg.hasUrgent;
    if (static_cast<size_t>(got) < limit && !hasMore) leg.isReadable = false;
    return static_cast<size_t>(got);
  }
  if (isShortage(got)) return 0;
  leg.isReadable = leg.hasUrgent = false;
  if (got == -EAGAIN) return 0;
  if (got < 0) leg.isLost = leg.wasReset = leg.hasFailed = true;
  // Once a call has returned the error, a read reports a plain end instead.
  else if (leg.wasReset) leg.hasFailed = true;
  else leg.hasFin = leg.hasEnded = true;
  return 0;
}

void noteLoss(Leg& leg, ssize_t error) {
  leg.isLost = leg.isReadable = true;
  leg.isWritable = false;
  // EPIPE: its FIN had come before (the kernel's tcp_reset says so in CLOSE_WAIT), and a read will find it.
  if (error != -EPIPE) leg.wasReset = true;
}

size_t transmit(Leg& leg, const char* from, size_t length) {
  // A try would consume the error, from which a read learns how the connection ended.
  if (leg.isLost) return 0;
  const ssize_t sent = sys::send(leg.fd, from, length);
  if (sent >= 0) {
    if (static_cast<size_t>(sent) < length) leg.isWritable = false;
    return static_cast<size_t>(sent);
  }
  if (isShortage(sent)) return 0;
  leg.isWritable = false;
  if (sent != -EAGAIN) noteLoss(leg, sent);
  return 0;
}

bool flush(Leg& leg, uint64_t& counted) {
  if (leg.out.empty()) return true;
  if (!leg.isWritable) return false;
  const size_t sent = transmit(leg, leg.out.data(), leg.out.size());
  if (sent > 0) counted += leg.out.consume(sent);
  return leg.out.empty();
}

void write(Leg& leg, const char* from, size_t length) {
  size_t sent = 0;
  if (leg.out.empty() && leg.isWritable && length > 0) sent = transmit(leg, from, length);
  leg.out.append(from + sent, length - sent);
}

bool isShortage(ssize_t error) { return error == -ENOMEM || error == -ENOBUFS; }

}  // namespace sallyport
