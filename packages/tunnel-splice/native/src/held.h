// A leg that JavaScript owns: its bytes are sent to JavaScript as events, within its credit. Its departure is reported at once.
#pragma once

#include "leg.h"

namespace sallyport {

class Loop;

// The most that is read ahead per leg (READ_AHEAD_BYTES of src/transport.ts).
constexpr uint32_t kReadAheadBytes = 64 * 1024;

// Gives a leg to JavaScript.
void hold(Leg& leg);

// Reads what the credit allows, and reports it.
void serveHeld(Loop& loop, Leg& leg);

// Tells JavaScript what was read from the leg.
void tellRead(Loop& loop, Leg& leg, const char* bytes, size_t length);

// Tells JavaScript that the leg has failed or ended, once each.
void tellDeparture(Loop& loop, Leg& leg);

// It has sent nothing in its time.
void onSilence(Loop& loop, Leg& leg);

// Tells JavaScript, if it waits for that, that all it wrote has been sent, or that nothing can be sent.
void tellDrained(Loop& loop, Leg& leg);

}  // namespace sallyport
