#include "held.h"

#include <algorithm>

#include "closing.h"
#include "dial.h"
#include "loop.h"

namespace sallyport {

namespace {

// A leg that was not announced yet is announced with its first bytes.
void tellBytes(Loop& loop, Leg& leg, size_t got) {
  if (leg.isUnannounced) return loop.arrivals.announce(loop, leg, got);
  loop.tell(kData, leg.id.place, leg.id.generation, got).bytes(loop.buffer.get(), got).end();
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
  while (leg.isReadable && leg.unspliced.credit > 0 && !leg.isPromised) {
    const size_t got = receive(leg, loop.buffer.get(), std::min<size_t>(leg.unspliced.credit, kCopyBytes));
    if (got == 0) break;
    if (leg.unspliced.sentUp == 0) TimerWheel::cancel(leg.unspliced);
    leg.unspliced.credit -= static_cast<uint32_t>(got);
    leg.unspliced.sentUp += static_cast<uint32_t>(got);
    tellBytes(loop, leg, got);
  }
  tellDrained(loop, leg);
  tellDeparture(loop, leg);
}

void tellDrained(Loop& loop, Leg& leg) {
  if (!leg.isDrainAwaited || !(leg.out.empty() || leg.isLost)) return;
  leg.isDrainAwaited = false;
  loop.tell(kDrained, leg.id.place, leg.id.generation).end();
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
  if (leg.hasEnded) loop.tell(kEnd, leg.id.place, leg.id.generation).end();
  else if (hasFailed) loop.tell(kFailed, leg.id.place, leg.id.generation).end();
  else loop.tell(kGone, leg.id.place, leg.id.generation, leg.isLost).end();
}

void onSilence(Loop& loop, Leg& leg) {
  if (leg.isUnannounced) loop.arrivals.announce(loop, leg, 0);
  loop.tell(kSilenced, leg.id.place, leg.id.generation).end();
  closeNow(loop, leg);
}

}  // namespace sallyport
