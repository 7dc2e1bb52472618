// A promise with a guard: its tunnel is joined only once the upstream has begun to answer, and otherwise than in one given way.
//
// Meanwhile the upstream is connected and has what goes up first; nothing else goes either way. Where the answer begins in that way, or
// the client says something before it, JavaScript is handed the upstream as of a dial without a promise, and has its client back.
// Where nothing more can be told (a FIN or a loss on either side, or the time is over) the tunnel is joined.
// Owner: the dial, which goes on until then.
#pragma once

#include "dial.h"

namespace sallyport {

class Loop;

// The upstream is connected.
void awaitAnswer(Loop& loop, Leg& client, Leg& upstream, DialUnderWay& dial);
// Something happened to the upstream, or to the client.
void serveAnswering(Loop& loop, Leg& upstream, DialUnderWay& dial);
void onAnswerDeadline(Loop& loop, Leg& upstream, DialUnderWay& dial);

}  // namespace sallyport
