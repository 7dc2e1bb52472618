#include "arrivals.h"

#include "held.h"
#include "loop.h"

namespace sallyport {
namespace {

// Long enough for the first bytes of most clients, and too short to be noticed.
constexpr int64_t kAnnounceMs = 20;

}  // namespace

void Arrivals::add(Loop& loop, Leg& leg, const Listener& listener, const SocketAddress& peer) {
  leg.isUnannounced = true;
  waiting_.push_back({leg.id, &listener, peer, loop.nowMs});
}

void Arrivals::announce(Loop& loop, const Leg& speaker, size_t received) {
  while (waiting_.front().leg.place != speaker.id.place) announceNext(loop, 0);
  announceNext(loop, received);
}

void Arrivals::announceOld(Loop& loop) {
  while (dueMs() <= loop.nowMs) announceNext(loop, 0);
}

void Arrivals::announceAll(Loop& loop) {
  while (!waiting_.empty()) announceNext(loop, 0);
}

int64_t Arrivals::dueMs() const { return waiting_.empty() ? TimerWheel::kNeverMs : waiting_.front().atMs + kAnnounceMs; }

void Arrivals::announceNext(Loop& loop, size_t received) {
  const Arrival arrival = waiting_.front();
  waiting_.pop_front();
  Leg& leg = *loop.legs.find(arrival.leg);  // nobody closes a leg that JavaScript has not heard of
  leg.isUnannounced = false;
  const Listener& listener = *arrival.listener;
  const AddressText remote = formatAddress(arrival.peer);
  AddressText local{};
  AddressText original{};
  SocketAddress address;
  // Clients that netfilter delivers to us were going to any address, whatever address the listener is bound to.
  const bool hasManyAddresses = listener.isWildcard || listener.interception == Interception::kTransparent;
  if (hasManyAddresses && sys::localAddress(leg.fd, address) == 0) local = formatAddress(address);
  const bool isRedirected = listener.interception == Interception::kRedirect;
  if (isRedirected && sys::originalAddress(leg.fd, address) == 0) original = formatAddress(address);
  loop.tell(kAccepted, leg.id.place, leg.id.generation, listener.id, loop.nowMs - arrival.atMs, remote.port, local.port,
            original.port, remote.hostLength, local.hostLength, original.hostLength, received)
      .bytes(remote.host, remote.hostLength)
      .bytes(local.host, local.hostLength)
      .bytes(original.host, original.hostLength)
      .bytes(loop.buffer.get(), received)
      .end();
}

}  // namespace sallyport
