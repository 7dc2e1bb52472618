#include "dial.h"

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
  loop.events.begin(kDialed, token, outcome, 0, 0, 0, 0).end();
}

void fail(Loop& loop, Leg& leg, DialOutcome outcome) {
  tellFailure(loop, leg.unspliced.dialToken, outcome);
  loop.dials.erase(leg.unspliced.dialToken);
  closeNow(loop, leg);
}

void succeed(Loop& loop, Leg& leg) {
  const uint32_t token = leg.unspliced.dialToken;
  loop.dials.erase(token);
  TimerWheel::cancel(leg.unspliced);
  SocketAddress own;
  AddressText local{};
  if (sys::localAddress(leg.fd, own) == 0) local = formatAddress(own);
  loop.events.begin(kDialed, token, kConnected, leg.id.place, leg.id.generation, local.port, local.hostLength)
      .bytes(local.host, local.hostLength)
      .end();
  hold(leg);
  serveHeld(loop, leg);
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
  const int fd = connectTo(request);
  if (fd < 0) return tellFailure(loop, request.token, outcomeOf(-fd));
  Leg& leg = loop.legs.add(Leg(fd, LegState::kDialling));
  leg.unspliced.dialToken = request.token;
  leg.isWritable = false;
  loop.dials.emplace(request.token, &leg);
  loop.setDeadline(leg, request.deadlineMs);
  const int error = loop.watch(leg);
  if (error < 0) fail(loop, leg, outcomeOf(-error));
}

void cancelDial(Loop& loop, uint32_t token) {
  const auto found = loop.dials.find(token);
  if (found != loop.dials.end()) fail(loop, *found->second, kCancelled);
}

void serveDial(Loop& loop, Leg& leg) {
  if (leg.hasError) {
    const int error = sys::takeError(leg.fd);
    return fail(loop, leg, error == 0 ? kDialReset : outcomeOf(error));
  }
  if (leg.isWritable) succeed(loop, leg);
}

void onDialDeadline(Loop& loop, Leg& leg) { fail(loop, leg, kTimedOut); }

}  // namespace sallyport
