// A promise with a guard. Its tunnel is joined once the upstream has begun to answer, unless the answer has a given beginning.
//
// Until then the upstream is connected and gets the first bytes; nothing else is sent either way. Where the answer has that beginning, or
// the client sends more before it, JavaScript gets the upstream as from a dial without a promise, and gets its client back. Where nothing
// more can come (a FIN or a loss on either side, or the time is over) the tunnel is joined. Owner: the dial, which goes on until then.
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
