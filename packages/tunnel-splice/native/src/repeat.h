// A tunnel that is set up by a verdict (verdicts.h), without asking JavaScript, which is told once it is up.
//
// The client is promised a tunnel, and the verdict's address is dialled, as on JavaScript's orders. Whatever else comes of the dial than a
// tunnel, its connection is dropped, the verdict is forgotten, and the client is announced with all that it has sent, as if nothing had
// been tried. So JavaScript alone judges failures. Meanwhile the client is unannounced and promised.
#pragma once

#include <memory>
#include <string>

#include "arrivals.h"
#include "leg.h"
#include "verdicts.h"

namespace sallyport {

class Loop;
struct DialUnderWay;

// A tunnel by a verdict that is not up yet.
struct Repeat {
  Arrival arrival;
  std::shared_ptr<Verdict> verdict;
  int64_t begunNs;
  std::string withheld;  // what the client has sent, where that does not go up
};

// In the token of a dial by a verdict: its other bits are the tunnel's number.
constexpr uint32_t kByVerdict = 1u << 31;

// The first bytes of a client that is not announced lie in the loop's buffer. False: no verdict fits. Where it returns true, the client
// may be gone.
bool repeat(Loop& loop, Leg& client, size_t received);
// A dial by a verdict is about to join.
void tellRepeated(Loop& loop, const Leg& client, const DialUnderWay& dial);
// Announces a client for which nothing is dialled any more. `said` bytes in the loop's buffer were read from it since.
void handOver(Loop& loop, LegId client, const Repeat& repeat, size_t said);
// Drops a dial. `said` bytes in the loop's buffer were read from the client since.
void dropRepeat(Loop& loop, Leg& upstream, size_t said);
// The same, where the verdict has led to something else than a tunnel, and may do so again.
void giveUpRepeat(Loop& loop, Leg& upstream, size_t said);
// The same, for a client that has left.
void dropRepeatFor(Loop& loop, const Leg& client);
// JavaScript is to decide from here on: forgets all verdicts, and gives up all such dials.
void stopRepeating(Loop& loop);

}  // namespace sallyport
