// The relaying of a tunnel, one direction at a time. Free of threads, epoll and N-API, so that a plain program can drive and fuzz it.
//
// Small flows are copied through the thread's one buffer. What a blocked reader does not take waits in `to.out`, and nothing more is read
// until that is sent. A direction that has moved kBulkBytes in large pieces, without a pause, is spliced through a pooled pipe: for a
// small piece that takes three system calls, where copying takes two. The bytes on their way lie first in `to.out`, then in the pipe,
// then in the socket, always in order.
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
// A smaller piece takes so much from a direction's burst, which is never more than twice what makes it bulk. So a flow of small pieces
// never becomes bulk, and one that turns to small pieces soon is no longer.
constexpr uint32_t kLargePieceBytes = 16 * 1024;
// A direction that was silent for so long is no longer a bulk flow.
constexpr uint32_t kPauseMs = 100;
// So much at a time, so that one bulk tunnel does not delay others.
constexpr size_t kTurnBytes = 1024 * 1024;

// waiting: for an edge of either leg. more: its share of the turn is used up. starved: the kernel lacks memory, try a little later. over:
// all is sent; the caller passes the FIN on. failed: `to` is lost; or `from` is, and all that it sent before was passed on.
enum class Flow : uint8_t { kWaiting, kMore, kStarved, kOver, kFailed };

// Sends what was read from `from` elsewhere, behind what waits already. Both are spliced, to each other.
void relayRead(Leg& from, Leg& to, const char* bytes, size_t length, int64_t nowMs);

// Moves what can be moved now from `from`. Both are spliced, to each other.
Flow pump(Leg& from, Leg& to, RelayTools& tools);

}  // namespace sallyport
