// How a leg ends: at once, with an RST, or in good order with a lingering close.
//
// A lingering leg has said its last words and FIN; what its peer still says is thrown away, until that ends too or
// kLingerMs have passed. Without that, the kernel would answer unread bytes with an RST that destroys the reply on its way
// (RFC 9112 §9.6). Each function takes the leg out of its table: the caller must not use it afterwards.
#pragma once

#include "leg.h"

namespace sallyport {

class Loop;

constexpr int64_t kLingerMs = 2'000;
// Per data thread. Past it legs are closed at once: a flood of refused clients must not hold all descriptors.
constexpr size_t kLingeringLegs = 1'024;

void closeNow(Loop& loop, Leg& leg);
void closeWithReset(Loop& loop, Leg& leg);
void closeLingering(Loop& loop, Leg& leg);

// A lingering leg has an event.
void serveLingering(Loop& loop, Leg& leg);

}  // namespace sallyport
