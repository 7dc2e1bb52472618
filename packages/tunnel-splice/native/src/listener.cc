#include "listener.h"

#include <cerrno>

#include "held.h"
#include "loop.h"

namespace sallyport {
namespace {

// At a time, so that a flood of clients does not stop the relaying.
constexpr int kClientsPerTurn = 64;
constexpr int64_t kBackOffMs = 100;
constexpr int64_t kComplaintMs = 60'000;

enum class Accepted : uint8_t { kOne, kNone, kShortage };

// The first bytes are often there already: then no event is awaited.
void welcome(Loop& loop, const Listener& listener, int fd, const SocketAddress& peer) {
  Leg& leg = loop.legs.add(Leg(fd, LegState::kHeld));
  hold(leg);
  leg.isReadable = true;
  loop.setDeadline(leg, listener.silenceMs);
  loop.arrivals.add(loop, leg, listener, peer);
  loop.unwatched = &leg;
  serveHeld(loop, leg);
  if (loop.unwatched == nullptr) return;
  loop.unwatched = nullptr;
  // Without a watch none of its events would be noticed.
  if (loop.watch(leg) == 0) return;
  leg.isLost = leg.hasFailed = true;
  serveHeld(loop, leg);
}

// No descriptor is left: the spare one is closed for a moment, so that the client is refused and does not wait. Each is reported, for a
// pause follows.
void turnAway(Loop& loop, const Listener& listener) {
  if (loop.spare < 0) return;
  sys::close(loop.spare);
  SocketAddress peer;
  const int fd = sys::accept(listener.fd, peer);
  if (fd >= 0) {
    sys::close(fd);
    const AddressText remote = formatAddress(peer);
    loop.tell(kTurnedAway, listener.id, remote.port, remote.hostLength).bytes(remote.host, remote.hostLength).end();
  }
  loop.spare = sys::openSpare();
}

// Not reported for each of them: there may be thousands a second.
void complain(Loop& loop, int error) {
  if (error == loop.lastComplaint && loop.nowMs < loop.complainAgainAtMs) return;
  loop.lastComplaint = error;
  loop.complainAgainAtMs = loop.nowMs + kComplaintMs;
  loop.tell(kShortage, error).end();
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
      complain(loop, -fd);
      return Accepted::kShortage;
    case ENOBUFS:
    case ENOMEM:
      complain(loop, -fd);  // who is queued stays so, and may have to wait
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

void openListener(Loop& loop, uint32_t id, int fd, bool isWildcard, Interception interception, uint32_t first) {
  auto listener = std::make_unique<Listener>(id, fd, isWildcard, interception, first);
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
  // While the spare one was closed, another thread may have used its place.
  if (loop.spare < 0) loop.spare = sys::openSpare();
  if (loop.watch(listener) < 0) loop.wheel.schedule(listener, loop.nowMs + kBackOffMs);
}

void allowSilence(Loop& loop, uint32_t id, uint32_t silenceMs) {
  const auto found = loop.listeners.find(id);
  if (found != loop.listeners.end()) found->second->silenceMs = silenceMs;
}

void closeListener(Loop& loop, uint32_t id) {
  const auto found = loop.listeners.find(id);
  if (found == loop.listeners.end()) return;
  Listener& listener = *found->second;
  while (acceptOne(loop, listener) == Accepted::kOne) continue;
  stopRepeating(loop);
  loop.arrivals.announceAll(loop);
  // Closing alone leaves it in the epoll set where another process has the socket too.
  loop.unwatch(listener.fd);
  sys::close(listener.fd);
  TimerWheel::cancel(listener);
  listener.fd = -1;
  loop.tell(kListenerClosed, id).end();
  loop.retire(std::move(found->second));
  loop.listeners.erase(found);
}

}  // namespace sallyport
