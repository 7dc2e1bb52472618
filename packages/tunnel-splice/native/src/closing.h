// How a leg ends: at once, with an RST, with a lingering close, or handed to another owner.
//
// A lingering leg has sent its last bytes and a FIN. What its peer still sends is discarded, until the peer ends too or kLingerMs
// have passed. Without that, the kernel would answer unread bytes with an RST that destroys the reply on its way
// (RFC 9112 §9.6). A resetting leg sends an RST once its peer has all that was sent before: an RST destroys what the kernel has
// not sent yet. It waits for as long as the peer acknowledges some of it every kLingerMs.
// Each function takes the leg out of its table: the caller must not use it afterwards.
#pragma once

#include "leg.h"

namespace sallyport {

class Loop;

constexpr int64_t kLingerMs = 2'000;
// Per data thread. Above it legs are closed at once: a flood of refused clients must not hold all descriptors.
constexpr size_t kLingeringLegs = 1'024;

void closeNow(Loop& loop, Leg& leg);
void closeWithReset(Loop& loop, Leg& leg);
void resetBehindBytes(Loop& loop, Leg& leg);
void closeLingering(Loop& loop, Leg& leg);

// Gives a held leg's descriptor to JavaScript, after every byte and departure that was reported before. Unread bytes stay unread. A
// failed leg is given too: its holder has been told by then.
void detach(Loop& loop, Leg& leg);

// A lingering leg has an event, or bytes that were not discarded yet.
void serveLingering(Loop& loop, Leg& leg);

// A resetting leg has an event, or is due to be checked again.
void serveResetting(Loop& loop, Leg& leg);

}  // namespace sallyport
