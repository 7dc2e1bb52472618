#include "relay.h"

#include <algorithm>
#include <cerrno>

#include "sys.h"

namespace sallyport {
namespace {

struct Relay {
  Leg& from;
  Leg& to;
  Direction& direction;
  RelayTools& tools;
};

// Empties `to.out`, then the pipe. True when both are.
bool drain(const Relay& relay) {
  auto& [from, to, direction, tools] = relay;
  if (!flush(to, direction.relayed)) return false;
  bool wasShort = false;
  while (direction.pipe != nullptr) {
    Pipe& pipe = *direction.pipe;
    if (!to.isWritable) return false;
    const ssize_t sent = sys::splice(pipe.ends[0], to.fd, pipe.held);
    if (sent <= 0) {
      if (isShortage(sent)) return false;
      to.isWritable = false;
      if (sent != -EAGAIN) noteLoss(to, wasShort ? -ECONNRESET : sent);
      return false;
    }
    // It may have stopped at an error, which it drops and the kernel tells once: the next try would say EPIPE, as behind a FIN.
    wasShort = static_cast<size_t>(sent) < pipe.held;
    pipe.held -= static_cast<size_t>(sent);
    direction.relayed += static_cast<uint64_t>(sent);
    if (pipe.held == 0) releasePipe(direction, tools.pipes);
  }
  return true;
}

void sendOn(Direction& direction, Leg& to, const char* bytes, size_t length) {
  const size_t sent = to.out.empty() ? transmit(to, bytes, length) : 0;
  direction.relayed += sent;
  to.out.append(bytes + sent, length - sent);
}

size_t copy(const Relay& relay) {
  const RelayTools& tools = relay.tools;
  const size_t got = receive(relay.from, tools.buffer, kCopyBytes);
  if (got > 0) sendOn(relay.direction, relay.to, tools.buffer, got);
  return got;
}

// Fills an empty pipe. splice(2) returns EAGAIN where there is nothing to read, and also before TCP urgent data. It returns 0 at a FIN,
// and there too. A read tells which.
size_t fill(const Relay& relay) {
  PipePool& pipes = relay.tools.pipes;
  auto pipe = pipes.take(relay.tools.nowMs);
  if (!pipe) return copy(relay);
  const ssize_t got = sys::splice(relay.from.fd, pipe->ends[1], PipePool::kPipeBytes);
  if (got > 0) {
    pipe->held = static_cast<size_t>(got);
    relay.direction.pipe = pipe.release();
    return static_cast<size_t>(got);
  }
  pipes.giveBack(std::move(pipe));
  if (got == -EINVAL || got == -ENOSYS || got == -EPERM) pipes.disable();
  // The kernel reports an RST once: a later read would see a plain end.
  else if (got < 0 && got != -EAGAIN && !isShortage(got)) noteLoss(relay.from, got);
  return copy(relay);
}

uint32_t burstAfter(uint32_t burst, size_t got) {
  if (got < kLargePieceBytes) return burst - std::min(burst, kLargePieceBytes);
  return static_cast<uint32_t>(std::min<size_t>(burst + got, 2 * kBulkBytes));
}

void noteRead(Direction& direction, size_t got, uint32_t nowMs) {
  direction.hasRead = true;
  direction.lastReadMs = nowMs;
  direction.burst = burstAfter(direction.burst, got);
}

size_t read(const Relay& relay) {
  Direction& direction = relay.direction;
  const auto nowMs = static_cast<uint32_t>(relay.tools.nowMs);
  if (nowMs - direction.lastReadMs > kPauseMs) direction.burst = 0;
  const bool isBulk = direction.burst >= kBulkBytes;
  const size_t got = isBulk ? fill(relay) : copy(relay);
  if (got > 0) noteRead(direction, got, nowMs);
  return got;
}

// Why nothing moves now.
Flow stillness(const Relay& relay) {
  auto& [from, to, direction, tools] = relay;
  if (to.isLost) return Flow::kFailed;
  const bool isDrained = to.out.empty() && direction.pipe == nullptr;
  if (!isDrained) return to.isWritable ? Flow::kStarved : Flow::kWaiting;
  if (direction.isStopped) return Flow::kOver;
  if (direction.awaited > 0) return Flow::kWaiting;
  if (from.hasEnded) return Flow::kOver;
  if (from.hasFailed) return Flow::kFailed;
  return from.isReadable ? Flow::kStarved : Flow::kWaiting;
}

bool mayRead(const Relay& relay) {
  return relay.from.isReadable && relay.direction.awaited == 0 && !relay.direction.isStopped;
}

}  // namespace

void relayRead(Leg& from, Leg& to, const char* bytes, size_t length, int64_t nowMs) {
  Direction& direction = from.spliced.direction;
  sendOn(direction, to, bytes, length);
  noteRead(direction, length, static_cast<uint32_t>(nowMs));
}

Flow pump(Leg& from, Leg& to, RelayTools& tools) {
  const Relay relay{from, to, from.spliced.direction, tools};
  if (relay.direction.isOver) return Flow::kWaiting;
  size_t moved = 0;
  while (moved < kTurnBytes) {
    if (to.isLost || !drain(relay) || !mayRead(relay)) return stillness(relay);
    const size_t got = read(relay);
    if (got == 0) return stillness(relay);
    moved += got;
  }
  return Flow::kMore;
}

}  // namespace sallyport
