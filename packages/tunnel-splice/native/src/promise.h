// A tunnel that is promised to a client: the first of its dials that connects joins at once, without asking JavaScript. Where the promise
// has a guard, it joins once its upstream has begun to answer (answer.h).
//
// Owner: the client's leg, which is held meanwhile, on the thread of its dials. From the promise on the client is not read for
// JavaScript. Bytes that were on their way there are sent back (kReturn), and awaited. With a guard they stay there. A client that has
// left when a dial connects is not joined: it left before its tunnel was up.
#pragma once

#include <memory>
#include <string>

#include "beginning.h"
#include "tunnel.h"

namespace sallyport {

class Loop;
class RecordReader;

// Kept small: with a guard there is one for every tunnel whose upstream has not answered yet, and small blocks are cheap in malloc.
struct Promise {
  TunnelLimits limits;
  uint32_t awaitedUp;  // read from the client, on its way back from JavaScript; with a guard, what it will keep
  uint32_t guard;      // which beginning of an answer is JavaScript's to see; 0: none
  uint32_t answerMs;   // for how long an answer is awaited
  int64_t upAtMs;      // when the upstream had connected whose answer is awaited; 0: none has
  Leg* answering;      // the one dial that has connected, and whose answer is awaited
  ByteQueue reply;     // to the client, before a byte of the upstream's
  ByteQueue up;        // to the upstream, before a byte of the client's
};

// JavaScript has promised a tunnel to `client`. Of several promises the last one counts.
void promise(Loop& loop, Leg& client, RecordReader& command);
// Bytes of a promised client that JavaScript has sent back.
void takeBack(Loop& loop, const Leg& client, const char* bytes, size_t length);
// The client is closed, or joined.
void forgetPromise(Loop& loop, Leg& client);

// The client of a dial that is to join, while it may still be joined; null once it has left or was ended.
Leg* findPromised(Loop& loop, LegId client);
// Sends the first bytes. A socket that is still connecting answers -EAGAIN, one that failed its error. Over loopback, and to a near
// destination, the handshake is over by now, and no event need be awaited. `preface` is sent first, and is included in the result.
ssize_t sendPromised(Loop& loop, const Leg& client, const Leg& upstream, const std::string& preface);
// Queues the rest of both, of which `sent` bytes were sent. Returns how many of those count as relayed.
size_t queuePromised(Loop& loop, const Leg& client, Leg& upstream, const std::string& preface, size_t sent);
// Joins an upstream from which `bytes` were read, and to which `relayed` bytes were sent. Either leg may be gone when it returns.
void joinPromised(Loop& loop, Leg& client, Leg& upstream, uint64_t relayed, const char* bytes, size_t length);

bool isGuarded(Loop& loop, const Leg& client);
const Beginning& guardOf(Loop& loop, const Leg& client);
// Has the client sent more than JavaScript has given to be sent up?
bool hasSpokenSince(Loop& loop, const Leg& client);
// From now on the answer of `upstream` is awaited, until the returned moment. No other dial connects for this client.
int64_t keepForAnswer(Loop& loop, const Leg& client, Leg& upstream);
// The upstream whose answer is awaited; null where none is.
Leg* findAnswering(Loop& loop, const Leg& client);
// It is not awaited any more: the dial has failed.
void forgetAnswering(Loop& loop, const Leg& client);
// JavaScript gets its client back.
void takePromise(Loop& loop, Leg& client);

}  // namespace sallyport
