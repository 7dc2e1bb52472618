// A tunnel that is promised to a client: the first of its dials that connects joins at once, with no word from JavaScript.
//
// Owner: the client's leg, which is held meanwhile and lives on the thread of its dials. From the promise on nothing is read
// from the client on behalf of JavaScript; what was on its way there then comes back (kReturn), and is awaited. A client that
// has left by the time a dial connects is not joined: whoever leaves before the tunnel is up has no tunnel.
#pragma once

#include <memory>
#include <string>

#include "tunnel.h"

namespace sallyport {

class Loop;
class RecordReader;

struct Promise {
  TunnelLimits limits;
  int64_t givenAtMs;
  uint32_t awaitedUp;  // read from the client, on its way back from JavaScript
  std::string reply;   // to the client, before a byte of the upstream's
  std::string up;      // to the upstream, before a byte of the client's
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
// Joins a connected upstream, to which `sent` bytes have gone already, behind all of the preface but `unsent`. Either leg may be
// gone when it returns.
void joinPromised(Loop& loop, Leg& client, Leg& upstream, const std::string& unsent, size_t sent);

}  // namespace sallyport
