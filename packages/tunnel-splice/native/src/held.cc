#include "held.h"

#include <algorithm>

#include "loop.h"

namespace sallyport {

void hold(Leg& leg) {
  enter(leg, LegState::kHeld);
  leg.unspliced.credit = kReadAheadBytes;
}

void serveHeld(Loop& loop, Leg& leg) {
  uint64_t ignored = 0;
  flush(leg, ignored);
  while (leg.isReadable && leg.unspliced.credit > 0) {
    const size_t got = receive(leg, loop.buffer.get(), std::min<size_t>(leg.unspliced.credit, kCopyBytes));
    if (got == 0) break;
    leg.unspliced.credit -= static_cast<uint32_t>(got);
    leg.unspliced.sentUp += static_cast<uint32_t>(got);
    loop.events.begin(kData, leg.id.place, leg.id.generation, got).bytes(loop.buffer.get(), got).end();
  }
  tellDrained(loop, leg);
  tellDeparture(loop, leg);
}

void tellDrained(Loop& loop, Leg& leg) {
  if (!leg.isDrainAwaited || !(leg.out.empty() || leg.hasFailed || leg.hasError)) return;
  leg.isDrainAwaited = false;
  loop.events.begin(kDrained, leg.id.place, leg.id.generation).end();
}

void tellDeparture(Loop& loop, Leg& leg) {
  if (leg.wasEndTold) return;
  // An RST may come while bytes wait for credit: they are lost with it, as they would be in the kernel.
  if (leg.hasFailed || leg.hasError) {
    leg.wasGoneTold = leg.wasEndTold = true;
    loop.events.begin(kFailed, leg.id.place, leg.id.generation).end();
  } else if (leg.hasEnded) {
    leg.wasGoneTold = leg.wasEndTold = true;
    loop.events.begin(kEnd, leg.id.place, leg.id.generation).end();
  } else if (leg.hasFin && !leg.wasGoneTold) {
    leg.wasGoneTold = true;
    loop.events.begin(kGone, leg.id.place, leg.id.generation).end();
  }
}

}  // namespace sallyport
