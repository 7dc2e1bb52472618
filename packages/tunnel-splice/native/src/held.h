// A leg that JavaScript owns: what is read goes to JavaScript as events, within its credit. Its departure is reported at once.
#pragma once

#include "leg.h"

namespace sallyport {

class Loop;

// Read ahead of JavaScript per leg, at most (READ_AHEAD_BYTES of src/transport.ts).
constexpr uint32_t kReadAheadBytes = 64 * 1024;

// Gives a leg to JavaScript.
void hold(Leg& leg);

// Reads what the credit allows, and tells JavaScript.
void serveHeld(Loop& loop, Leg& leg);

// Tells JavaScript that the leg has failed or ended, once each.
void tellDeparture(Loop& loop, Leg& leg);

// It has said nothing in its time.
void onSilence(Loop& loop, Leg& leg);

// Tells JavaScript, if it waits for it, that nothing it wrote waits any more, or that nothing can be sent.
void tellDrained(Loop& loop, Leg& leg);

}  // namespace sallyport
