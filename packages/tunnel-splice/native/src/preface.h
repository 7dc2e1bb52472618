// A dial whose peer has to answer first: it joins once the preface, which is sent before everything, was answered with exactly the bytes
// that JavaScript has given. They are compared, never interpreted, and are not part of the tunnel.
//
// Until then nothing is read from the client, as while a dial connects. If the answer differs, ends or does not arrive in time, or if
// JavaScript holds bytes of the client, JavaScript gets the upstream with the whole answer, as from a dial without a promise, and owns
// the client again.
// Owner: the dial, which goes on until then.
#pragma once

#include "dial.h"

namespace sallyport {

class Loop;

// The preface was sent, or something has happened to the upstream since.
void serveAsked(Loop& loop, Leg& upstream, DialUnderWay& dial);
void onAskedDeadline(Loop& loop, Leg& upstream, DialUnderWay& dial);

}  // namespace sallyport
