#include "relay.h"

#include <algorithm>
#include <cerrno>

#include "sys.h"

namespace sallyport {
namespace {

// Empties `to->out`, then the pipe. True when both are.
bool drain(Direction& direction, RelayTools& tools) {
  Leg& to = *direction.to;
  if (!flush(to, direction.relayed)) return false;
  while (direction.pipe) {
    Pipe& pipe = *direction.pipe;
    if (!to.isWritable) return false;
    const ssize_t sent = sys::splice(pipe.ends[0], to.fd, pipe.held);
    if (sent <= 0) {
      if (isShortage(sent)) return false;
      to.isWritable = false;
      if (sent != -EAGAIN) to.hasFailed = true;
      return false;
    }
    pipe.held -= static_cast<size_t>(sent);
    direction.relayed += static_cast<uint64_t>(sent);
    if (pipe.held == 0) tools.pipes.giveBack(std::move(direction.pipe));
  }
  return true;
}

size_t copy(Direction& direction, RelayTools& tools) {
  Leg& to = *direction.to;
  const size_t got = receive(*direction.from, tools.buffer, kCopyBytes);
  if (got == 0) return 0;
  const size_t sent = transmit(to, tools.buffer, got);
  direction.relayed += sent;
  if (sent < got) to.out.append(tools.buffer + sent, got - sent);
  return got;
}

// Fills an empty pipe: so EAGAIN can only mean that there is nothing to read, never that the pipe is full.
size_t fill(Direction& direction, RelayTools& tools) {
  Leg& from = *direction.from;
  auto pipe = tools.pipes.take(tools.nowMs);
  if (!pipe) return copy(direction, tools);
  const ssize_t got = sys::splice(from.fd, pipe->ends[1], PipePool::kPipeBytes);
  if (got > 0) {
    pipe->held = static_cast<size_t>(got);
    direction.pipe = std::move(pipe);
    return static_cast<size_t>(got);
  }
  tools.pipes.giveBack(std::move(pipe));
  if (got == -EAGAIN) {
    from.isReadable = false;
    return 0;
  }
  if (got == -EINVAL || got == -ENOSYS || got == -EPERM) tools.pipes.disable();
  // FIN, RST or a shortage: reading says which.
  return copy(direction, tools);
}

size_t read(Direction& direction, RelayTools& tools) {
  if (tools.nowMs - direction.lastReadMs > kPauseMs) direction.burst = 0;
  const bool isBulk = direction.burst >= kBulkBytes;
  const size_t got = isBulk ? fill(direction, tools) : copy(direction, tools);
  if (got == 0) return 0;
  direction.lastReadMs = tools.nowMs;
  direction.burst += static_cast<uint32_t>(std::min<size_t>(got, kBulkBytes));
  direction.burst = std::min(direction.burst, kBulkBytes);
  return got;
}

// Why nothing moves now.
Flow stillness(const Direction& direction) {
  if (direction.from->hasFailed || direction.to->hasFailed) return Flow::kFailed;
  const bool isDrained = direction.to->out.empty() && !direction.pipe;
  if (!isDrained) return direction.to->isWritable ? Flow::kStarved : Flow::kWaiting;
  if (direction.isStopped) return Flow::kOver;
  if (direction.awaited > 0) return Flow::kWaiting;
  if (direction.from->hasEnded) return Flow::kOver;
  return direction.from->isReadable ? Flow::kStarved : Flow::kWaiting;
}

bool mayRead(const Direction& direction) {
  return direction.from->isReadable && direction.awaited == 0 && !direction.isStopped;
}

}  // namespace

Flow pump(Direction& direction, RelayTools& tools) {
  if (direction.isOver) return Flow::kWaiting;
  size_t moved = 0;
  while (moved < kTurnBytes) {
    if (!drain(direction, tools) || !mayRead(direction)) return stillness(direction);
    const size_t got = read(direction, tools);
    if (got == 0) return stillness(direction);
    moved += got;
  }
  return Flow::kMore;
}

}  // namespace sallyport
