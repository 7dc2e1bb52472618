#include "arrivals.h"

#include <algorithm>
#include <iterator>

#include "held.h"
#include "loop.h"

namespace sallyport {
namespace {

// Long enough for the first bytes of most clients, and too short to be noticed.
constexpr int64_t kAnnounceMs = 20;
// How many of the last arrivals are looked through for one.
constexpr size_t kLastOnes = 64;

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

const Arrival* Arrivals::find(const Leg& client) const {
  const size_t last = std::min(kLastOnes, waiting_.size());
  const auto at = std::find_if(waiting_.rbegin(), waiting_.rbegin() + static_cast<ptrdiff_t>(last),
                               [&](const Arrival& arrival) { return arrival.leg.place == client.id.place; });
  return at == waiting_.rbegin() + static_cast<ptrdiff_t>(last) ? nullptr : &*at;
}

void Arrivals::remove(const Leg& client) {
  const auto at = std::find_if(waiting_.rbegin(), waiting_.rend(),
                               [&](const Arrival& arrival) { return arrival.leg.place == client.id.place; });
  if (at != waiting_.rend()) waiting_.erase(std::next(at).base());
}

void Arrivals::announceNext(Loop& loop, size_t received) {
  const Arrival arrival = waiting_.front();
  waiting_.pop_front();
  announce(loop, arrival, loop.buffer.get(), received);
}

void Arrivals::announce(Loop& loop, const Arrival& arrival, const char* bytes, size_t length) {
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
  loop.tell(kAccepted, leg.id, listener.id, loop.nowMs - arrival.atMs, remote.port, local.port,
            original.port, remote.hostLength, local.hostLength, original.hostLength, length)
      .bytes(remote.host, remote.hostLength)
      .bytes(local.host, local.hostLength)
      .bytes(original.host, original.hostLength)
      .bytes(bytes, length)
      .end();
}

}  // namespace sallyport
