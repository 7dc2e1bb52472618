#include "tunnel.h"

#include <algorithm>
#include <new>

#include "closing.h"
#include "loop.h"

namespace sallyport {
namespace {

constexpr int64_t kNeverMs = TimerWheel::kNeverMs;
// While the kernel lacks memory no edge will come: try again after this.
constexpr int64_t kStarvedMs = 25;

int64_t after(int64_t fromMs, uint32_t spanMs) { return spanMs == kNever ? kNeverMs : fromMs + spanMs; }

uint32_t stampOf(const Loop& loop) { return static_cast<uint32_t>(loop.nowMs); }

// The time of a stamp: the last time at which the clock's lower half had its value.
int64_t timeOf(const Loop& loop, uint32_t stampMs) { return loop.nowMs - (stampOf(loop) - stampMs); }

int64_t idleAtMs(const Loop& loop, const Tunnel& tunnel) {
  return after(timeOf(loop, tunnel.lastByteMs), tunnel.idleMs);
}

// A byte in the direction still open postpones it: the tunnel ends when the other side is silent.
int64_t halfCloseAtMs(const Loop& loop, const Tunnel& tunnel) {
  return tunnel.isHalfClosed ? after(timeOf(loop, tunnel.halfQuietMs), tunnel.halfCloseMs) : kNeverMs;
}

// The other leg no longer takes what a lost leg had sent.
int64_t lossEndsAtMs(const Loop& loop, const Tunnel& tunnel) { return timeOf(loop, tunnel.lastByteMs) + kLingerMs; }

int64_t silenceEndsAtMs(const Loop& loop, const Tunnel& tunnel) {
  if (tunnel.isLosing) return lossEndsAtMs(loop, tunnel);
  return std::min(idleAtMs(loop, tunnel), halfCloseAtMs(loop, tunnel));
}

void scheduleNext(Loop& loop, Tunnel& tunnel) {
  int64_t dueMs = tunnel.endsAtMs;
  if (!tunnel.isGivenUp) dueMs = std::min(dueMs, silenceEndsAtMs(loop, tunnel));
  if (tunnel.isStarved) dueMs = std::min(dueMs, loop.nowMs + kStarvedMs);
  // Its peers must be checked in time. Every tunnel is checked now and then, so a long span needs nothing.
  if (tunnel.keepAliveSeconds > 0) dueMs = std::min<int64_t>(dueMs, loop.nowMs + tunnel.keepAliveSeconds * 250);
  loop.wheel.schedule(tunnel, dueMs);
}

// A peer that took nothing since the tunnel was cut gets no more time.
void endInGoodOrder(Loop& loop, const Tunnel& tunnel, Leg& leg) {
  if (loop.nowMs >= tunnel.endsAtMs) closeNow(loop, leg);
  else closeLingering(loop, leg);
}

void closeLegs(Loop& loop, Tunnel& tunnel) {
  for (Leg* leg : {tunnel.client, tunnel.upstream}) {
    if (tunnel.isGivenUp) endInGoodOrder(loop, tunnel, *leg);
    else if (tunnel.isLosing) resetBehindBytes(loop, *leg);
    else closeNow(loop, *leg);
  }
}

void tellEnd(Loop& loop, const Tunnel& tunnel) {
  loop.tell(Haste::kLate, kTunnelEnded, tunnel.index, tunnel.end, Moment{tunnel.firstByteNs}, Moment{loop.nowNs}).end();
}

void finish(Loop& loop, Tunnel& tunnel) {
  tunnel.isOver = true;
  loop.wheel.cancel(tunnel);
  releasePipe(tunnel.up(), loop.pipes);
  releasePipe(tunnel.down(), loop.pipes);
  tellEnd(loop, tunnel);
  closeLegs(loop, tunnel);
  loop.retire(tunnel);
}

// Passes the FIN on, unless the other direction is over too: then closing sends it.
void endDirection(Leg& from, const Leg& to) {
  from.spliced.direction.isOver = true;
  if (!to.spliced.direction.isOver) sys::sendFin(to.fd);
}

void noteProgress(Loop& loop, Tunnel& tunnel, uint64_t relayedBefore) {
  Direction& up = tunnel.up();
  Direction& down = tunnel.down();
  if (tunnel.firstByteNs == 0 && down.hasRead) tunnel.firstByteNs = loop.nowNs;
  const bool hasSent = up.relayed + down.relayed != relayedBefore;
  if (up.hasRead || down.hasRead || hasSent) tunnel.lastByteMs = tunnel.halfQuietMs = stampOf(loop);
  up.hasRead = down.hasRead = false;
  if (hasSent) loop.board.counts.store(tunnel.index, up.relayed, down.relayed);
}

// The first of FIN and loss is the cause.
void noteCause(Tunnel& tunnel) {
  const Leg& client = *tunnel.client;
  const Leg& upstream = *tunnel.upstream;
  if (client.hasEnded) tunnel.end = kClientClosed;
  else if (upstream.hasEnded) tunnel.end = kUpstreamClosed;
  else tunnel.end = client.isLost ? kClientReset : kUpstreamReset;
}

void noteFin(Loop& loop, Tunnel& tunnel) {
  if (tunnel.isHalfClosed || tunnel.isGivenUp) return;
  if (!tunnel.client->hasEnded && !tunnel.upstream->hasEnded) return;
  noteCause(tunnel);
  tunnel.isHalfClosed = true;
  tunnel.halfQuietMs = stampOf(loop);
  scheduleNext(loop, tunnel);
}

void noteLoss(Loop& loop, Tunnel& tunnel) {
  if (tunnel.isLosing || tunnel.isGivenUp) return;
  if (!tunnel.isHalfClosed) noteCause(tunnel);
  tunnel.isLosing = true;
  tunnel.lastByteMs = stampOf(loop);
  scheduleNext(loop, tunnel);
}

// It is lost, all that it sent was passed on, and how it ended is known.
bool isLostAndDelivered(const Leg& leg, Flow flow) {
  return leg.isLost && (leg.spliced.direction.isOver || flow == Flow::kOver || flow == Flow::kFailed);
}

// Only for tunnels that live until a deadline. Most are over by then, and each option is a system call.
void keepAlive(Tunnel& tunnel) {
  if (tunnel.keepAliveSeconds == 0) return;
  for (const Leg* leg : {tunnel.client, tunnel.upstream}) {
    if (!tunnel.isKeptAlive) sys::keepAlive(leg->fd, tunnel.keepAliveSeconds);
    // It has had to wait for its peer once, and may be waiting now.
    if (leg->isWatchedForRoom) sys::heedWindow(leg->fd, tunnel.keepAliveSeconds);
  }
  tunnel.isKeptAlive = true;
}

}  // namespace

Tunnel& join(Loop& loop, Leg& client, Leg& upstream, const TunnelLimits& limits, int64_t upAtMs, uint32_t awaitedUp,
             uint32_t awaitedDown) {
  Tunnel* tunnel = new (&loop.tunnels.take()) Tunnel();
  tunnel->client = &client;
  tunnel->upstream = &upstream;
  enter(client, LegState::kSpliced, tunnel);
  enter(upstream, LegState::kSpliced, tunnel);
  tunnel->up().awaited = awaitedUp;
  tunnel->down().awaited = awaitedDown;
  tunnel->index = limits.index;
  tunnel->idleMs = limits.idleMs;
  tunnel->halfCloseMs = limits.halfCloseMs;
  tunnel->endsAtMs = after(upAtMs, limits.lifetimeMs);
  tunnel->keepAliveSeconds = std::min(limits.keepAliveSeconds, kLongestKeepAliveSeconds);
  tunnel->lastByteMs = static_cast<uint32_t>(upAtMs - limits.quietMs);
  scheduleNext(loop, *tunnel);
  return *tunnel;
}

void serveTunnel(Loop& loop, Tunnel& tunnel) {
  if (tunnel.isOver) return;
  Leg& client = *tunnel.client;
  Leg& upstream = *tunnel.upstream;
  RelayTools tools = loop.tools();
  const uint64_t relayedBefore = tunnel.up().relayed + tunnel.down().relayed;
  Flow up = pump(client, upstream, tools);
  const Flow down = pump(upstream, client, tools);
  // A write to the client has failed: what it sent before must still be read.
  if (client.isLost && client.isReadable && up == Flow::kWaiting) up = pump(client, upstream, tools);
  noteProgress(loop, tunnel, relayedBefore);
  noteFin(loop, tunnel);
  if (up == Flow::kOver) endDirection(client, upstream);
  if (down == Flow::kOver) endDirection(upstream, client);
  if (client.isLost || upstream.isLost) noteLoss(loop, tunnel);
  if (isLostAndDelivered(client, up) || isLostAndDelivered(upstream, down)) return finish(loop, tunnel);
  if (tunnel.up().isOver && tunnel.down().isOver) return finish(loop, tunnel);
  const bool isWatched = loop.awaitRoom(client) && loop.awaitRoom(upstream);
  if ((up == Flow::kMore || down == Flow::kMore) && !tunnel.isReady) {
    tunnel.isReady = true;
    loop.goOnWith(tunnel);
  }
  if (up != Flow::kStarved && down != Flow::kStarved && isWatched) return;
  tunnel.isStarved = true;
  scheduleNext(loop, tunnel);
}

void onTunnelDeadline(Loop& loop, Tunnel& tunnel) {
  keepAlive(tunnel);
  if (tunnel.isStarved) {
    tunnel.isStarved = false;
    serveTunnel(loop, tunnel);
    if (tunnel.isOver) return;
  }
  if (tunnel.isGivenUp || tunnel.isLosing) {
    const int64_t dueMs = tunnel.isGivenUp ? tunnel.endsAtMs : std::min(tunnel.endsAtMs, lossEndsAtMs(loop, tunnel));
    if (loop.nowMs >= dueMs) finish(loop, tunnel);
    else scheduleNext(loop, tunnel);
    return;
  }
  if (loop.nowMs >= tunnel.endsAtMs) return giveUp(loop, tunnel, kLifetime);
  if (loop.nowMs >= halfCloseAtMs(loop, tunnel)) return giveUp(loop, tunnel, kHalfClose);
  if (loop.nowMs >= idleAtMs(loop, tunnel)) return giveUp(loop, tunnel, kIdle);
  scheduleNext(loop, tunnel);
}

void giveUp(Loop& loop, Tunnel& tunnel, TunnelEnd cause) {
  if (tunnel.isOver || tunnel.isGivenUp) return;
  const int64_t soonMs = loop.nowMs + kLingerMs;
  if (tunnel.isLosing) {
    tunnel.endsAtMs = std::min(tunnel.endsAtMs, soonMs);
    return scheduleNext(loop, tunnel);
  }
  tunnel.end = cause;
  tunnel.isGivenUp = true;
  tunnel.endsAtMs = soonMs;
  tunnel.up().isStopped = tunnel.down().isStopped = true;
  scheduleNext(loop, tunnel);
  serveTunnel(loop, tunnel);
}

void tellStopped(Loop& loop, Tunnel& tunnel) {
  if (!tunnel.isGivenUp && !tunnel.isLosing) tunnel.end = kLifetime;
  tellEnd(loop, tunnel);
}

}  // namespace sallyport
