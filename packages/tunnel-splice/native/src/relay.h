// The relaying of a tunnel, one direction at a time. Free of threads, epoll and N-API, so that a plain program can drive and
// fuzz it.
//
// Small flows are copied through the thread's one buffer; what a blocked reader leaves of it waits in `to.out`, and nothing
// more is read until that is gone. A direction that has moved kBulkBytes in large pieces, without a pause, is spliced through a
// pooled pipe: for a small piece that takes three system calls, where copying takes two.
// At any moment the bytes in flight lie in `to.out`, then in the pipe, then in the socket: never two of them out of order.
#pragma once

#include <cstdint>

#include "leg.h"
#include "pipe_pool.h"

namespace sallyport {

// What a data thread lends to every relay on it.
struct RelayTools {
  PipePool& pipes;
  char* buffer;
  int64_t nowMs;
};

constexpr size_t kCopyBytes = 64 * 1024;
constexpr uint32_t kBulkBytes = 256 * 1024;
// A smaller piece takes so much away from a direction's burst, which is never more than twice what makes it bulk: a flow of small
// pieces never is, and one that becomes it is not for long.
constexpr uint32_t kLargePieceBytes = 16 * 1024;
// A direction that was silent for so long is no bulk flow any more.
constexpr uint32_t kPauseMs = 100;
// So much at a time, so that one bulk tunnel starves nobody.
constexpr size_t kTurnBytes = 1024 * 1024;

// waiting: for an edge of either leg. more: the turn is used up. starved: the kernel lacks memory, try a little later.
// over: all is sent; the caller passes the FIN on. failed: `to` is lost; or `from` is, and all that it had said is sent.
enum class Flow : uint8_t { kWaiting, kMore, kStarved, kOver, kFailed };

// Sends on what somebody else has read from `from`, behind what waits already. Both are spliced, to each other.
void relayRead(Leg& from, Leg& to, const char* bytes, size_t length, int64_t nowMs);

// Moves what can be moved now of what `from` says. Both are spliced, to each other.
Flow pump(Leg& from, Leg& to, RelayTools& tools);

}  // namespace sallyport
