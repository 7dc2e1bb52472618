// A tunnel that is promised to a client: the first of its dials that connects joins at once, with no word from JavaScript; or,
// where the promise has a guard, once its upstream has begun to answer (answer.h).
//
// Owner: the client's leg, which is held meanwhile and lives on the thread of its dials. From the promise on nothing is read
// from the client on behalf of JavaScript; what was on its way there then comes back (kReturn), and is awaited. With a guard it
// stays there. A client that has left by the time a dial connects is not joined: whoever leaves before the tunnel is up has no tunnel.
#pragma once

#include <memory>
#include <string>

#include "beginning.h"
#include "tunnel.h"

namespace sallyport {

class Loop;
class RecordReader;

// Small: with a guard there is one for every tunnel whose upstream has not answered yet, and malloc is quick with small things.
struct Promise {
  TunnelLimits limits;
  uint32_t awaitedUp;  // read from the client, on its way back from JavaScript; with a guard, what it will keep
  uint32_t guard;      // which beginning of an answer is JavaScript's to see; 0: none
  uint32_t answerMs;   // for how long an answer is awaited
  int64_t givenAtMs;
  Leg* answering;      // the one dial that has connected, and whose answer is awaited
  ByteQueue reply;     // to the client, before a byte of the upstream's
  ByteQueue up;        // to the upstream, before a byte of the client's
};

// JavaScript has said what is to become of `client`. Of several promises the last one counts.
void promise(Loop& loop, Leg& client, RecordReader& command);
// Bytes of a promised client that came back from JavaScript.
void takeBack(Loop& loop, const Leg& client, const char* bytes, size_t length);
// The client is closed, or joined.
void forgetPromise(Loop& loop, Leg& client);

// The client of a dial that is to join, while it may still be joined; null once it has left or was ended.
Leg* findPromised(Loop& loop, LegId client);
// Sends what goes up first; a socket that is still connecting answers -EAGAIN, one that failed to its error. Over loopback, and
// where the destination is near, the handshake is over by now, and no event has to be waited for.
// `preface` goes ahead of it, and is in what was sent.
ssize_t sendPromised(Loop& loop, const Leg& client, const Leg& upstream, const std::string& preface);
// Queues the rest of both, of which `sent` bytes have gone. Returns how many of those count as relayed.
size_t queuePromised(Loop& loop, const Leg& client, Leg& upstream, const std::string& preface, size_t sent);
// Joins an upstream which has said `bytes` by now, and to which `relayed` bytes have gone. Either leg may be gone when it returns.
void joinPromised(Loop& loop, Leg& client, Leg& upstream, uint64_t relayed, const char* bytes, size_t length);

bool isGuarded(Loop& loop, const Leg& client);
const Beginning& guardOf(Loop& loop, const Leg& client);
// More than what JavaScript has given to be sent up.
bool hasSpokenSince(Loop& loop, const Leg& client);
// The answer of `upstream` is awaited from now on, until the moment that is returned; no other dial connects for this client.
int64_t keepForAnswer(Loop& loop, const Leg& client, Leg& upstream);
// The upstream whose answer is awaited; null where none is.
Leg* findAnswering(Loop& loop, const Leg& client);
// It is not awaited any more: the dial has failed.
void forgetAnswering(Loop& loop, const Leg& client);
// JavaScript has its client back.
void takePromise(Loop& loop, Leg& client);

}  // namespace sallyport
