#include "preface.h"

#include <algorithm>
#include <cstring>

#include "answer.h"
#include "held.h"
#include "loop.h"

namespace sallyport {
namespace {

// When the kernel lacks memory no event will come: try again after so long.
constexpr uint32_t kStarvedMs = 25;

uint32_t leftMs(const Loop& loop, const DialUnderWay& dial) {
  return static_cast<uint32_t>(std::clamp<int64_t>(dial.deadlineAtMs - loop.nowMs, 0, kNever));
}

// `bytes` followed those that were as expected.
void handBack(Loop& loop, Leg& client, Leg& upstream, const DialUnderWay& dial, const char* bytes, size_t length) {
  std::string answer = dial.prefaceAnswer.substr(0, dial.answeredBytes);
  answer.append(bytes, length);
  takePromise(loop, client);
  handOut(loop, upstream);
  if (!answer.empty()) tellRead(loop, upstream, answer.data(), answer.size());
  serveHeld(loop, upstream);
  serveHeld(loop, client);
}

// `bytes` followed the answer.
void goOnAnswered(Loop& loop, Leg& client, Leg& upstream, DialUnderWay& dial, const char* bytes, size_t length) {
  dial.prefaceState = PrefaceState::kAnswered;
  dial.relayed = queuePromised(loop, client, upstream, "", 0);
  dial.connectedNs = sys::monotonicNs();
  if (isGuarded(loop, client)) awaitAnswer(loop, client, upstream, dial);
  else joinDialled(loop, client, upstream, dial, bytes, length);
}

// True where the dial is over, or has gone on.
bool serveAnswer(Loop& loop, Leg& client, Leg& upstream, DialUnderWay& dial) {
  const std::string& answer = dial.prefaceAnswer;
  const char* bytes = loop.buffer.get();
  while (upstream.isReadable) {
    const size_t got = receive(upstream, loop.buffer.get(), kReadAheadBytes - dial.answeredBytes);
    if (got == 0) break;
    const size_t due = answer.size() - dial.answeredBytes;
    const bool isAsGiven = memcmp(bytes, answer.data() + dial.answeredBytes, std::min(due, got)) == 0;
    if (isAsGiven && got < due) {
      dial.answeredBytes += got;
      continue;
    }
    // A guard has to check what follows the answer, and it reads that from the socket only.
    const bool isJoinable = isAsGiven && !hasSpokenSince(loop, client) && (got == due || !isGuarded(loop, client));
    if (isJoinable) goOnAnswered(loop, client, upstream, dial, bytes + due, got - due);
    else handBack(loop, client, upstream, dial, bytes, got);
    return true;
  }
  if (!upstream.hasEnded && !upstream.isLost) return false;
  handBack(loop, client, upstream, dial, "", 0);
  return true;
}

}  // namespace

void serveAsked(Loop& loop, Leg& upstream, DialUnderWay& dial) {
  uint64_t ignored = 0;
  flush(upstream, ignored);
  if (!loop.awaitRoom(upstream)) upstream.isLost = upstream.hasFailed = true;
  Leg* client = findPromised(loop, dial.clientId);
  if (client == nullptr) return failDial(loop, upstream, kCancelled);
  if (serveAnswer(loop, *client, upstream, dial) || !upstream.isReadable) return;
  loop.setDeadline(upstream, std::min(leftMs(loop, dial), kStarvedMs));
}

void onAskedDeadline(Loop& loop, Leg& upstream, DialUnderWay& dial) {
  if (loop.nowMs < dial.deadlineAtMs) {
    loop.setDeadline(upstream, leftMs(loop, dial));
    return serveAsked(loop, upstream, dial);
  }
  Leg* client = findPromised(loop, dial.clientId);
  if (client == nullptr) return failDial(loop, upstream, kCancelled);
  handBack(loop, *client, upstream, dial, "", 0);
}

}  // namespace sallyport
