#include "answer.h"

#include <algorithm>
#include <utility>

#include "held.h"
#include "loop.h"

namespace sallyport {
namespace {

// While the kernel lacks memory no edge will come: try again after this.
constexpr uint32_t kStarvedMs = 25;

void sleep(Loop& loop, Leg& upstream, const DialUnderWay& dial) {
  const bool isStarved = upstream.isReadable || dial.client->isReadable;
  const auto leftMs = static_cast<uint32_t>(std::clamp<int64_t>(dial.answerByMs - loop.nowMs, 0, kNever));
  loop.setDeadline(upstream, isStarved ? std::min(leftMs, kStarvedMs) : leftMs);
}

// `said`: how many bytes the client has sent since the promise was given.
void handBack(Loop& loop, Leg& upstream, DialUnderWay& dial, size_t said) {
  if (isRepeated(upstream.unspliced.dialToken)) return giveUpRepeat(loop, upstream, said);
  Leg& client = *dial.client;
  const ByteQueue answer = std::move(dial.answer);
  takePromise(loop, client);
  if (said > 0) tellRead(loop, client, loop.buffer.get(), said);
  handOut(loop, upstream);
  if (!answer.empty()) tellRead(loop, upstream, answer.data(), answer.size());
  serveHeld(loop, upstream);
  serveHeld(loop, client);
}

void joinWith(Loop& loop, Leg& upstream, DialUnderWay& dial, const char* bytes, size_t length) {
  if (dial.answer.empty()) return joinDialled(loop, *dial.client, upstream, dial, bytes, length);
  dial.answer.append(bytes, length);
  const ByteQueue answer = std::move(dial.answer);
  joinDialled(loop, *dial.client, upstream, dial, answer.data(), answer.size());
}

// The upstream's bytes count before the client's, and are read first. False: they decide nothing yet.
bool serveAnswer(Loop& loop, Leg& upstream, DialUnderWay& dial) {
  const Beginning& beginning = guardOf(loop, *dial.client);
  while (upstream.isReadable) {
    const size_t got = receive(upstream, loop.buffer.get(), kReadAheadBytes - dial.answer.size());
    if (got == 0) break;
    const Likeness likeness = compare(beginning, dial.answer.size(), loop.buffer.get(), got);
    if (likeness == Likeness::kOther) return joinWith(loop, upstream, dial, loop.buffer.get(), got), true;
    dial.answer.append(loop.buffer.get(), got);
    if (likeness == Likeness::kSame) return handBack(loop, upstream, dial, 0), true;
  }
  if (!upstream.hasEnded && !upstream.isLost) return false;
  return joinWith(loop, upstream, dial, "", 0), true;
}

bool serveClient(Loop& loop, Leg& upstream, DialUnderWay& dial) {
  Leg& client = *dial.client;
  const bool hasSpoken = hasSpokenSince(loop, client) || client.unspliced.credit == 0;
  const size_t limit = std::min<size_t>(client.unspliced.credit, kCopyBytes);
  const size_t said = hasSpoken || !client.isReadable ? 0 : receive(client, loop.buffer.get(), limit);
  if (hasSpoken || said > 0) return handBack(loop, upstream, dial, said), true;
  if (!client.hasEnded && !client.isLost) return false;
  return joinWith(loop, upstream, dial, "", 0), true;
}

}  // namespace

void awaitAnswer(Loop& loop, Leg& client, Leg& upstream, DialUnderWay& dial) {
  dial.client = &client;
  dial.answerByMs = keepForAnswer(loop, client, upstream);
  serveAnswering(loop, upstream, dial);
}

void serveAnswering(Loop& loop, Leg& upstream, DialUnderWay& dial) {
  flush(upstream, dial.relayed);
  if (!loop.awaitRoom(upstream)) upstream.isLost = upstream.hasFailed = true;
  if (serveAnswer(loop, upstream, dial) || serveClient(loop, upstream, dial)) return;
  sleep(loop, upstream, dial);
}

void onAnswerDeadline(Loop& loop, Leg& upstream, DialUnderWay& dial) {
  if (loop.nowMs < dial.answerByMs) return serveAnswering(loop, upstream, dial);
  if (isRepeated(upstream.unspliced.dialToken)) return giveUpRepeat(loop, upstream, 0);
  joinWith(loop, upstream, dial, "", 0);
}

}  // namespace sallyport
