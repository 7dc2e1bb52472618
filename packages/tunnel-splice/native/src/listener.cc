#include "listener.h"

#include <cerrno>

#include "held.h"
#include "loop.h"

namespace sallyport {
namespace {

// At a time, so that a flood of clients does not stop the relaying.
constexpr int kClientsPerTurn = 64;
constexpr int64_t kBackOffMs = 100;

enum class Accepted : uint8_t { kOne, kNone, kShortage };

void announce(Loop& loop, const Listener& listener, const Leg& leg, const SocketAddress& peer, size_t received) {
  const AddressText remote = formatAddress(peer);
  AddressText local{};
  AddressText original{};
  SocketAddress address;
  // What netfilter took to us on its way elsewhere was bound for anywhere, wherever the listener is bound.
  const bool hasManyAddresses = listener.isWildcard || listener.interception == Interception::kTransparent;
  if (hasManyAddresses && sys::localAddress(leg.fd, address) == 0) local = formatAddress(address);
  const bool isRedirected = listener.interception == Interception::kRedirect;
  if (isRedirected && sys::originalAddress(leg.fd, address) == 0) original = formatAddress(address);
  loop.events
      .begin(kAccepted, leg.id.place, leg.id.generation, listener.id, remote.port, local.port, original.port,
             remote.hostLength, local.hostLength, original.hostLength, received)
      .bytes(remote.host, remote.hostLength)
      .bytes(local.host, local.hostLength)
      .bytes(original.host, original.hostLength)
      .bytes(loop.buffer.get(), received)
      .end();
}

// The first bytes are often there already: then they travel with the client, and no event is waited for.
void welcome(Loop& loop, const Listener& listener, int fd, const SocketAddress& peer) {
  Leg& leg = loop.legs.add(Leg(fd, LegState::kHeld));
  hold(leg);
  const size_t received = receive(leg, loop.buffer.get(), leg.unspliced.credit);
  leg.unspliced.credit -= static_cast<uint32_t>(received);
  leg.unspliced.sentUp = static_cast<uint32_t>(received);
  // Without a watch nothing of it would ever be noticed.
  if (loop.watch(leg) < 0) leg.hasFailed = true;
  announce(loop, listener, leg, peer, received);
  tellDeparture(loop, leg);
}

// No descriptor is left: the spare one is given up for a moment, so that the client is told instead of left waiting.
void turnAway(Loop& loop, const Listener& listener) {
  if (loop.spare < 0) return;
  sys::close(loop.spare);
  SocketAddress peer;
  const int fd = sys::accept(listener.fd, peer);
  if (fd >= 0) sys::close(fd);
  loop.spare = sys::openSpare();
}

Accepted acceptOne(Loop& loop, const Listener& listener) {
  SocketAddress peer;
  const int fd = sys::accept(listener.fd, peer);
  if (fd >= 0) {
    welcome(loop, listener, fd, peer);
    return Accepted::kOne;
  }
  switch (-fd) {
    case EMFILE:
    case ENFILE:
      turnAway(loop, listener);
      return Accepted::kShortage;
    case ENOBUFS:
    case ENOMEM:
      return Accepted::kShortage;
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
      return Accepted::kOne;  // that client is gone; the next one may not be
    default:
      return Accepted::kNone;
  }
}

void pause(Loop& loop, Listener& listener) {
  loop.unwatch(listener.fd);
  loop.wheel.schedule(listener, loop.nowMs + kBackOffMs);
}

}  // namespace

void openListener(Loop& loop, uint32_t id, int fd, bool isWildcard, Interception interception) {
  auto listener = std::make_unique<Listener>(id, fd, isWildcard, interception);
  resumeAccepting(loop, *listener);
  loop.listeners.emplace(id, std::move(listener));
}

void acceptClients(Loop& loop, Listener& listener) {
  for (int client = 0; client < kClientsPerTurn; client++) {
    if (loop.board.isStalled()) return pause(loop, listener);
    switch (acceptOne(loop, listener)) {
      case Accepted::kOne:
        continue;
      case Accepted::kNone:
        return;
      case Accepted::kShortage:
        return pause(loop, listener);
    }
  }
}

void resumeAccepting(Loop& loop, Listener& listener) {
  // In the moment that the spare one was given up, another thread may have taken its place.
  if (loop.spare < 0) loop.spare = sys::openSpare();
  if (loop.watch(listener) < 0) loop.wheel.schedule(listener, loop.nowMs + kBackOffMs);
}

void closeListener(Loop& loop, uint32_t id) {
  const auto found = loop.listeners.find(id);
  if (found == loop.listeners.end()) return;
  Listener& listener = *found->second;
  while (acceptOne(loop, listener) == Accepted::kOne) continue;
  sys::close(listener.fd);
  TimerWheel::cancel(listener);
  listener.fd = -1;
  loop.events.begin(kListenerClosed, id).end();
  loop.retire(std::move(found->second));
  loop.listeners.erase(found);
}

}  // namespace sallyport
