#include "held.h"

#include <algorithm>

#include "closing.h"
#include "dial.h"
#include "loop.h"

namespace sallyport {

namespace {

void countRead(Leg& leg, size_t got) {
  leg.unspliced.credit -= static_cast<uint32_t>(got);
  leg.unspliced.sentUp += static_cast<uint32_t>(got);
}

// The first bytes of a leg that was not announced yet, which is announced with them. True: a verdict fits, and the leg may be gone.
bool isRepeatedBy(Loop& loop, Leg& leg, size_t got) {
  countRead(leg, got);
  if (repeat(loop, leg, got)) return true;
  loop.arrivals.announce(loop, leg, got);
  return false;
}

}  // namespace

void hold(Leg& leg) {
  enter(leg, LegState::kHeld);
  leg.unspliced.credit = kReadAheadBytes;
}

void serveHeld(Loop& loop, Leg& leg) {
  uint64_t ignored = 0;
  flush(leg, ignored);
  // While its upstream's answer is awaited, what the client sends is handled there.
  Leg* answering = leg.isPromised ? findAnswering(loop, leg) : nullptr;
  if (answering != nullptr) return serveDial(loop, *answering);
  const bool isRepeating = leg.isPromised && leg.isUnannounced;
  if (isRepeating && (leg.hasFin || leg.isLost)) return dropRepeatFor(loop, leg);
  while (leg.isReadable && leg.unspliced.credit > 0 && !leg.isPromised) {
    const size_t got = receive(leg, loop.buffer.get(), std::min<size_t>(leg.unspliced.credit, kCopyBytes));
    if (got == 0) break;
    if (leg.unspliced.sentUp == 0) TimerWheel::cancel(leg.unspliced);
    if (!leg.isUnannounced) tellRead(loop, leg, loop.buffer.get(), got);
    else if (isRepeatedBy(loop, leg, got)) return;
  }
  tellDrained(loop, leg);
  tellDeparture(loop, leg);
}

void tellRead(Loop& loop, Leg& leg, const char* bytes, size_t length) {
  countRead(leg, length);
  loop.tell(kData, leg.id, length).bytes(bytes, length).end();
}

void tellDrained(Loop& loop, Leg& leg) {
  if (!leg.isDrainAwaited || !(leg.out.empty() || leg.isLost)) return;
  leg.isDrainAwaited = false;
  loop.tell(kDrained, leg.id).end();
}

void tellDeparture(Loop& loop, Leg& leg) {
  if (leg.wasEndTold) return;
  // Bytes before a loss may still wait for credit. A promised client is read no more.
  const bool hasFailed = leg.hasFailed || (leg.isLost && leg.isPromised);
  const bool hasLeft = leg.hasFin || leg.isLost;
  if (!hasFailed && !leg.hasEnded && (!hasLeft || leg.wasGoneTold)) return;
  if (leg.isUnannounced) loop.arrivals.announce(loop, leg, 0);
  leg.wasGoneTold = true;
  leg.wasEndTold = hasFailed || leg.hasEnded;
  // An RST behind the FIN changes nothing: the FIN came first.
  if (leg.hasEnded) loop.tell(kEnd, leg.id).end();
  else if (hasFailed) loop.tell(kFailed, leg.id).end();
  else loop.tell(kGone, leg.id, leg.isLost).end();
}

void onSilence(Loop& loop, Leg& leg) {
  if (leg.isUnannounced) loop.arrivals.announce(loop, leg, 0);
  loop.tell(kSilenced, leg.id).end();
  closeNow(loop, leg);
}

}  // namespace sallyport
