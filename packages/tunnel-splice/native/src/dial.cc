#include "dial.h"

#include <algorithm>
#include <cerrno>

#include "closing.h"
#include "held.h"
#include "loop.h"

namespace sallyport {
namespace {

DialOutcome outcomeOf(int error) {
  switch (error) {
    case ECONNREFUSED:
      return kRefused;
    case ETIMEDOUT:
      return kTimedOut;
    case ECONNRESET:
    case EPIPE:
      return kDialReset;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EAGAIN:
    case EADDRINUSE:
      return kExhausted;
    default:
      return kUnreachable;  // no route, no such family or source address, forbidden by a firewall
  }
}

void tellFailure(Loop& loop, uint32_t token, DialOutcome outcome) {
  loop.tell(kDialed, token, outcome, 0, 0, 0, 0).end();
}

void fail(Loop& loop, Leg& leg, DialOutcome outcome) {
  tellFailure(loop, leg.unspliced.dialToken, outcome);
  loop.dials.erase(leg.unspliced.dialToken);
  closeNow(loop, leg);
}

// Where nobody listens on a port of the ephemeral range, the kernel may join a socket to itself (RFC 9293 §3.5, simultaneous open).
bool isJoinedToItself(const Leg& leg, const SocketAddress& own, uint16_t port) {
  SocketAddress peer;
  return portOf(own) == port && sys::peerAddress(leg.fd, peer) == 0 && isSame(own, peer);
}

void succeed(Loop& loop, Leg& leg, const DialUnderWay& dial) {
  const uint32_t token = leg.unspliced.dialToken;
  SocketAddress own;
  AddressText local{};
  if (sys::localAddress(leg.fd, own) == 0) {
    if (isJoinedToItself(leg, own, dial.port)) return fail(loop, leg, kRefused);
    local = formatAddress(own);
  }
  TimerWheel::cancel(leg.unspliced);
  loop.tell(kDialed, token, kConnected, leg.id.place, leg.id.generation, local.port, local.hostLength)
      .bytes(local.host, local.hostLength)
      .end();
  hold(leg);
  write(leg, dial.preface.data(), dial.preface.size());
  loop.dials.erase(token);
  loop.awaitRoom(leg);
  serveHeld(loop, leg);
}

// Watched once it is known for what: a leg that is connected by then needs no event to say so. False when it can't be.
bool watchOnce(Loop& loop, Leg& leg) {
  if (leg.isWatchedForRoom) return true;
  const int error = loop.watch(leg);
  if (error < 0) fail(loop, leg, outcomeOf(-error));
  return error == 0;
}

// Connected, or connecting still: for a dial that is to join, sending says which.
void goOnToJoin(Loop& loop, Leg& leg, Leg& client, const DialUnderWay& dial) {
  const std::string& preface = dial.preface;
  const ssize_t sent = sendPromised(loop, client, leg, preface);
  if (sent < 0 && sent != -EAGAIN && !isShortage(sent)) return fail(loop, leg, outcomeOf(static_cast<int>(-sent)));
  if (sent >= 0) leg.isWritable = true;
  if (!watchOnce(loop, leg) || !leg.isWritable) return;
  SocketAddress own;
  if (sys::localAddress(leg.fd, own) == 0 && isJoinedToItself(leg, own, dial.port)) return fail(loop, leg, kRefused);
  const uint32_t token = leg.unspliced.dialToken;
  const std::string unsent = preface.substr(std::min(preface.size(), static_cast<size_t>(std::max<ssize_t>(0, sent))));
  const size_t relayed = static_cast<size_t>(std::max<ssize_t>(0, sent - static_cast<ssize_t>(preface.size())));
  loop.dials.erase(token);
  // Not the time at which this turn began: the dial itself may have been asked for since.
  const int64_t connectedNs = sys::monotonicNs();
  loop.events.begin(kJoined, token, connectedNs >> 32, connectedNs & 0xffffffff).end();
  joinPromised(loop, client, leg, unsent, relayed);
}

void goOn(Loop& loop, Leg& leg) {
  const auto found = loop.dials.find(leg.unspliced.dialToken);
  if (!found->second.isToJoin) {
    if (leg.isWritable) succeed(loop, leg, found->second);
    return;
  }
  Leg* client = findPromised(loop, found->second.client);
  if (client == nullptr) return fail(loop, leg, kCancelled);
  goOnToJoin(loop, leg, *client, found->second);
}

int connectTo(const DialRequest& request) {
  SocketAddress address;
  SocketAddress source;
  if (!parseAddress(request.host, request.port, address)) return -EINVAL;
  if (request.source.empty()) return sys::dial(address, nullptr, false);
  if (!parseAddress(request.source, 0, source)) return -EINVAL;
  return sys::dial(address, &source, request.isTransparent);
}

}  // namespace

void dial(Loop& loop, const DialRequest& request) {
  if (request.deadlineMs == 0) return tellFailure(loop, request.token, kTimedOut);
  if (request.isToJoin && findPromised(loop, request.client) == nullptr) return tellFailure(loop, request.token, kCancelled);
  const int fd = connectTo(request);
  if (fd < 0) return tellFailure(loop, request.token, outcomeOf(-fd));
  Leg& leg = loop.legs.add(Leg(fd, LegState::kDialling));
  leg.unspliced.dialToken = request.token;
  leg.isWritable = false;
  loop.dials.emplace(request.token,
                     DialUnderWay{&leg, request.isToJoin, request.client, request.port, request.preface});
  loop.setDeadline(leg, request.deadlineMs);
  if (request.isToJoin) goOn(loop, leg);
  else watchOnce(loop, leg);
}

void cancelDial(Loop& loop, uint32_t token) {
  const auto found = loop.dials.find(token);
  if (found != loop.dials.end()) fail(loop, *found->second.leg, kCancelled);
}

void serveDial(Loop& loop, Leg& leg) {
  if (leg.isLost) {
    const int error = sys::takeError(leg.fd);
    return fail(loop, leg, error == 0 ? kDialReset : outcomeOf(error));
  }
  goOn(loop, leg);
}

void onDialDeadline(Loop& loop, Leg& leg) { fail(loop, leg, kTimedOut); }

}  // namespace sallyport
