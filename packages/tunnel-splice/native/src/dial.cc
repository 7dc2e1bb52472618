#include "dial.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "answer.h"
#include "closing.h"
#include "held.h"
#include "loop.h"
#include "preface.h"

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
    case sys::kNoSourceAddress:
      return kNoSource;
    default:
      return kUnreachable;  // no route, no such family, forbidden by a firewall
  }
}

void tellFailure(Loop& loop, uint32_t token, DialOutcome outcome) {
  loop.tell(kDialed, token, outcome, 0, 0, 0, 0).end();
}

// A dial that was not begun.
void tellUndialled(Loop& loop, const DialRequest& request, DialOutcome outcome) {
  if (!isRepeated(request.token)) return tellFailure(loop, request.token, outcome);
  if (outcome != kCancelled) loop.verdicts.forget(*request.repeat->verdict);
  handOver(loop, request.client, *request.repeat, 0);
}

// The kernel gives no lower port to a socket that has not asked for one (ip_local_port_range).
constexpr uint16_t kFirstEphemeralPort = 1'024;

// Where no listener is on a port of the ephemeral range, the kernel may join a socket to itself (RFC 9293 §3.5, simultaneous open).
bool isJoinedToItself(const Leg& leg, uint16_t port) {
  SocketAddress own;
  SocketAddress peer;
  if (port < kFirstEphemeralPort || sys::localAddress(leg.fd, own) != 0 || portOf(own) != port) return false;
  return sys::peerAddress(leg.fd, peer) == 0 && isSame(own, peer);
}

// Watched once its state is known: a leg that is connected by then needs no event for it. False when it cannot be watched.
bool watchOnce(Loop& loop, Leg& leg) {
  if (leg.isWatchedForRoom) return true;
  const int error = loop.watch(leg);
  if (error < 0) failDial(loop, leg, outcomeOf(-error));
  return error == 0;
}

// The result of sending tells whether it is connected. False where it is still connecting, or has failed.
bool isThrough(Loop& loop, Leg& leg, const DialUnderWay& dial, ssize_t sent) {
  if (sent < 0 && sent != -EAGAIN && !isShortage(sent)) return failDial(loop, leg, outcomeOf(static_cast<int>(-sent))), false;
  if (sent >= 0) leg.isWritable = true;
  if (!watchOnce(loop, leg) || !leg.isWritable) return false;
  if (!isJoinedToItself(leg, dial.port)) return true;
  failDial(loop, leg, kRefused);
  return false;
}

// False where it connects still, or has failed.
bool sendPreface(Loop& loop, Leg& leg, const DialUnderWay& dial) {
  const std::string& preface = dial.preface;
  const ssize_t sent = preface.empty() ? -EAGAIN : sys::send(leg.fd, preface.data(), preface.size());
  if (!isThrough(loop, leg, dial, sent)) return false;
  const size_t gone = static_cast<size_t>(std::max<ssize_t>(0, sent));
  leg.out.append(preface.data() + gone, preface.size() - gone);
  return true;
}

void goOnToHandOut(Loop& loop, Leg& leg, const DialUnderWay& dial) {
  if (!sendPreface(loop, leg, dial)) return;
  uint64_t ignored = 0;
  flush(leg, ignored);
  handOut(loop, leg);
  serveHeld(loop, leg);
}

void goOnToAsk(Loop& loop, Leg& leg, DialUnderWay& dial) {
  if (!sendPreface(loop, leg, dial)) return;
  dial.prefaceState = PrefaceState::kAsked;
  serveAsked(loop, leg, dial);
}

void goOnToJoin(Loop& loop, Leg& leg, Leg& client, DialUnderWay& dial) {
  const ssize_t sent = sendPromised(loop, client, leg, dial.preface);
  if (!isThrough(loop, leg, dial, sent)) return;
  dial.relayed = queuePromised(loop, client, leg, dial.preface, static_cast<size_t>(std::max<ssize_t>(0, sent)));
  // Not the time at which this turn began: the dial may have been requested after it.
  dial.connectedNs = sys::monotonicNs();
  if (isGuarded(loop, client)) awaitAnswer(loop, client, leg, dial);
  else joinDialled(loop, client, leg, dial, "", 0);
}

void goOn(Loop& loop, Leg& leg, DialUnderWay& dial) {
  if (!dial.isToJoin) return goOnToHandOut(loop, leg, dial);
  Leg* client = findPromised(loop, dial.clientId);
  if (client == nullptr) return failDial(loop, leg, kCancelled);
  if (dial.prefaceAnswer.empty()) goOnToJoin(loop, leg, *client, dial);
  else goOnToAsk(loop, leg, dial);
}

// The port or the source address is missing (connect(2)). For IPv4 the kernel always finds an address.
bool isPortLacking(int error, const DialRequest& request) {
  SocketAddress address;
  if (error != EADDRNOTAVAIL || !parseAddress(request.host, request.port, address)) return false;
  return !request.source.empty() || address.family() == AF_INET || sys::hasSourceFor(address);
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

void dial(Loop& loop, DialRequest&& request) {
  if (request.deadlineMs == 0) return tellUndialled(loop, request, kTimedOut);
  if (request.isToJoin && findPromised(loop, request.client) == nullptr) return tellUndialled(loop, request, kCancelled);
  const int fd = connectTo(request);
  if (fd < 0) return tellUndialled(loop, request, isPortLacking(-fd, request) ? kExhausted : outcomeOf(-fd));
  Leg& leg = loop.legs.add(Leg(fd, LegState::kDialling));
  leg.unspliced.dialToken = request.token;
  leg.isWritable = false;
  DialUnderWay& dial = loop.beginDial(leg);
  dial.leg = &leg;
  dial.isToJoin = request.isToJoin;
  dial.isAnswerAwaited = request.isAnswerAwaited;
  dial.clientId = request.client;
  dial.port = request.port;
  dial.preface = std::move(request.preface);
  dial.prefaceAnswer = std::move(request.answer);
  dial.repeat = std::move(request.repeat);
  dial.deadlineAtMs = request.deadlineMs == kNever ? TimerWheel::kNeverMs : loop.nowMs + request.deadlineMs;
  loop.setDeadline(leg, request.deadlineMs);
  goOn(loop, leg, dial);
}

void failDial(Loop& loop, Leg& leg, DialOutcome outcome) {
  if (isRepeated(leg.unspliced.dialToken)) return outcome == kCancelled ? dropRepeat(loop, leg, 0) : giveUpRepeat(loop, leg, 0);
  const DialUnderWay& dial = loop.dialOf(leg);
  tellFailure(loop, leg.unspliced.dialToken, outcome);
  if (dial.client != nullptr) forgetAnswering(loop, *dial.client);
  // A FIN could be taken for the end of the request alone, and the destination be dialled all the same.
  const bool isAbandoned = outcome == kCancelled && dial.prefaceState == PrefaceState::kAsked;
  loop.endDial(leg);
  if (isAbandoned) closeWithReset(loop, leg);
  else closeNow(loop, leg);
}

void cancelDial(Loop& loop, uint32_t token) {
  const DialUnderWay* dial = loop.dials.find(token);
  if (dial != nullptr) failDial(loop, *dial->leg, kCancelled);
}

void abandonAnswering(Loop& loop, Leg& upstream, uint32_t tunnel) {
  DialUnderWay& dial = loop.dialOf(upstream);
  loop.board.counts.store(tunnel, dial.relayed, 0);
  dial.client = nullptr;
  failDial(loop, upstream, kCancelled);
}

void handOut(Loop& loop, Leg& leg) {
  const uint32_t token = leg.unspliced.dialToken;
  SocketAddress own;
  const AddressText local = sys::localAddress(leg.fd, own) == 0 ? formatAddress(own) : AddressText{};
  TimerWheel::cancel(leg.unspliced);
  const DialUnderWay& dial = loop.dialOf(leg);
  // Where an answer is awaited, its arrival wakes JavaScript.
  const Haste haste = dial.isAnswerAwaited && dial.prefaceState == PrefaceState::kNone ? Haste::kSoon : Haste::kAtOnce;
  const DialOutcome outcome = dial.prefaceState == PrefaceState::kAnswered ? kAnswered : kConnected;
  loop.tell(haste, kDialed, token, outcome, leg.id, local.port, local.hostLength)
      .bytes(local.host, local.hostLength)
      .end();
  loop.endDial(leg);
  hold(leg);
  loop.awaitRoom(leg);
}

void joinDialled(Loop& loop, Leg& client, Leg& upstream, const DialUnderWay& dial, const char* bytes, size_t length) {
  const uint32_t token = upstream.unspliced.dialToken;
  const uint64_t relayed = dial.relayed;
  if (isRepeated(token)) tellRepeated(loop, client, dial);
  else loop.tell(Haste::kSoon, kJoined, token, Moment{dial.connectedNs}).end();
  client.isUnannounced = false;
  loop.endDial(upstream);
  joinPromised(loop, client, upstream, relayed, bytes, length);
}

void serveDial(Loop& loop, Leg& leg) {
  DialUnderWay& dial = loop.dialOf(leg);
  if (dial.client != nullptr) return serveAnswering(loop, leg, dial);
  if (dial.prefaceState == PrefaceState::kAsked) return serveAsked(loop, leg, dial);
  if (leg.isLost) {
    const int error = sys::takeError(leg.fd);
    return failDial(loop, leg, error == 0 ? kDialReset : outcomeOf(error));
  }
  goOn(loop, leg, dial);
}

void onDialDeadline(Loop& loop, Leg& leg) {
  DialUnderWay& dial = loop.dialOf(leg);
  if (dial.client != nullptr) return onAnswerDeadline(loop, leg, dial);
  if (dial.prefaceState == PrefaceState::kAsked) return onAskedDeadline(loop, leg, dial);
  failDial(loop, leg, kTimedOut);
}

}  // namespace sallyport
