#include "closing.h"

#include "loop.h"

namespace sallyport {
namespace {

// At a time; the rest waits for the next turn of the peer, or for the deadline.
constexpr int kDiscardReads = 16;

void retire(Loop& loop, Leg& leg) {
  if (leg.state == LegState::kLingering) loop.lingering--;
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
  loop.tell(kDetached, leg.id.place, leg.id.generation, leg.fd).end();
  retire(loop, leg);
}

void serveLingering(Loop& loop, Leg& leg) {
  uint64_t ignored = 0;
  discard(loop, leg);
  if (leg.hasFailed) return closeNow(loop, leg);
  if (!flush(leg, ignored)) return loop.awaitRoom(leg);
  // With nothing unread and nothing unsent, close() itself ends in good order.
  if (leg.hasEnded) return closeNow(loop, leg);
  if (!leg.isFinSent) sys::sendFin(leg.fd);
  leg.isFinSent = true;
}

}  // namespace sallyport
