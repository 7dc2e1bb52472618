#include "closing.h"

#include "loop.h"

namespace sallyport {
namespace {

// One call throws away so much; the rest waits for the next turn of the peer, or for the deadline.
constexpr size_t kDiscardBytes = 1024 * 1024;
constexpr int kDiscardCalls = 16;

void retire(Loop& loop, Leg& leg) {
  if (leg.state == LegState::kLingering) loop.lingering--;
  leg.state = LegState::kClosed;
  leg.fd = -1;
  leg.out.clear();
  TimerWheel::cancel(leg);
  loop.legs.retire(leg);
}

void discard(Leg& leg) {
  for (int call = 0; leg.isReadable && call < kDiscardCalls; call++) {
    const ssize_t got = sys::discard(leg.fd, kDiscardBytes);
    if (got > 0) continue;
    leg.isReadable = false;
    if (got == 0) leg.hasEnded = true;
    else if (got != -EAGAIN) leg.hasFailed = true;
  }
}

}  // namespace

void closeNow(Loop& loop, Leg& leg) {
  sys::close(leg.fd);
  retire(loop, leg);
}

void closeWithReset(Loop& loop, Leg& leg) {
  sys::closeWithReset(leg.fd);
  retire(loop, leg);
}

void closeLingering(Loop& loop, Leg& leg) {
  if (loop.lingering >= kLingeringLegs) return closeNow(loop, leg);
  leg.state = LegState::kLingering;
  leg.deadlineMs = loop.nowMs + kLingerMs;
  leg.tunnel = nullptr;
  leg.isFinSent = false;
  loop.lingering++;
  loop.wheel.schedule(leg, leg.deadlineMs);
  serveLingering(loop, leg);
}

void serveLingering(Loop& loop, Leg& leg) {
  uint64_t ignored = 0;
  discard(leg);
  if (leg.hasFailed) return closeNow(loop, leg);
  if (!flush(leg, ignored)) return;
  // With nothing unread and nothing unsent, close() itself ends in good order.
  if (leg.hasEnded) return closeNow(loop, leg);
  if (!leg.isFinSent) sys::sendFin(leg.fd);
  leg.isFinSent = true;
}

}  // namespace sallyport
