#include "closing.h"

#include "loop.h"

namespace sallyport {
namespace {

// At a time, so that one peer does not delay others.
constexpr int kDiscardReads = 16;
// How often a leg is looked at where no event reports what it waits for: that all was acknowledged, or that there is more to discard.
constexpr uint32_t kLookAgainMs = 25;

void retire(Loop& loop, Leg& leg) {
  if (leg.state == LegState::kLingering || leg.state == LegState::kResetting) loop.lingering--;
  if (leg.isPromised) forgetPromise(loop, leg);
  leg.fd = -1;
  leg.out.clear();
  loop.legs.retire(leg);
}

void discard(Loop& loop, Leg& leg) {
  for (int reads = 0; leg.isReadable && reads < kDiscardReads; reads++) {
    if (receive(leg, loop.buffer.get(), kCopyBytes) == 0) return;
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

void resetBehindBytes(Loop& loop, Leg& leg) {
  const uint32_t unacked = leg.isLost ? 0 : sys::countUnacked(leg.fd);
  if (unacked == 0 || loop.lingering >= kLingeringLegs) return closeWithReset(loop, leg);
  enter(leg, LegState::kResetting);
  leg.unspliced.unacked = unacked;
  leg.unspliced.giveUpMs = static_cast<uint32_t>(loop.nowMs + kLingerMs);
  loop.lingering++;
  loop.setDeadline(leg, kLookAgainMs);
}

void closeLingering(Loop& loop, Leg& leg) {
  if (loop.lingering >= kLingeringLegs) return closeNow(loop, leg);
  if (leg.isPromised) forgetPromise(loop, leg);
  enter(leg, LegState::kLingering);
  leg.isFinSent = false;
  loop.lingering++;
  loop.setDeadline(leg, kLingerMs);
  serveLingering(loop, leg);
}

void detach(Loop& loop, Leg& leg) {
  loop.unwatch(leg.fd);
  loop.tell(kDetached, leg.id, leg.fd).end();
  retire(loop, leg);
}

void serveLingering(Loop& loop, Leg& leg) {
  uint64_t ignored = 0;
  discard(loop, leg);
  // No event comes for the rest. Its deadline is still the old one.
  if (leg.isReadable) loop.wheel.schedule(leg.unspliced, loop.nowMs + kLookAgainMs);
  if (!leg.isLost && !flush(leg, ignored) && loop.awaitRoom(leg)) return;
  if (leg.isLost || !leg.out.empty()) return closeNow(loop, leg);
  // With nothing unread and nothing unsent, close() itself sends a FIN and no RST.
  if (leg.hasEnded) return closeNow(loop, leg);
  if (!leg.isFinSent) sys::sendFin(leg.fd);
  leg.isFinSent = true;
}

void serveResetting(Loop& loop, Leg& leg) {
  const uint32_t unacked = leg.isLost ? 0 : sys::countUnacked(leg.fd);
  const auto nowMs = static_cast<uint32_t>(loop.nowMs);
  if (unacked < leg.unspliced.unacked) leg.unspliced.giveUpMs = nowMs + static_cast<uint32_t>(kLingerMs);
  leg.unspliced.unacked = unacked;
  const bool hasHadItsTime = static_cast<int32_t>(leg.unspliced.giveUpMs - nowMs) <= 0;
  if (unacked == 0 || hasHadItsTime) return closeWithReset(loop, leg);
  loop.setDeadline(leg, kLookAgainMs);
}

}  // namespace sallyport
