#include "faulty_sys.h"

#include <cerrno>
#include <random>

#include "../src/sys.h"

// The real calls, under another name.
namespace sallyport::real_sys {
using sallyport::sys::kNoSourceAddress;
using sallyport::sys::PortSharing;
}
#define sys real_sys
#include "../src/sys.cc"
#undef sys

namespace sallyport {

Faults faults;

namespace {

uint32_t dice() {
  thread_local std::mt19937 generator(static_cast<uint32_t>(faults.seed.fetch_add(1)));
  return generator();
}

bool strikes(const std::atomic<uint32_t>& chance) {
  const uint32_t perTenThousand = chance.load(std::memory_order_relaxed);
  return perTenThousand > 0 && dice() % 10'000 < perTenThousand;
}

size_t shortened(size_t length) { return length > 1 && strikes(faults.shortTransfer) ? 1 + dice() % (length - 1) : length; }

// The negated errno with which this call is to fail, or 0.
int failureOf(Call call) {
  if (faults.failing.load(std::memory_order_relaxed) != call || faults.spared.fetch_sub(1) != 0) return 0;
  return -faults.error;
}

// Zero when the call may go ahead.
ssize_t transferFault(Call call, int broken) {
  if (const int failure = failureOf(call)) return failure;
  if (strikes(faults.again)) return -EAGAIN;
  if (strikes(faults.shortage)) return -ENOMEM;
  if (strikes(faults.broken)) return -broken;
  return 0;
}

template <typename Open>
int opened(Call call, Open open) {
  if (const int failure = failureOf(call)) return failure;
  return strikes(faults.descriptors) ? -EMFILE : open();
}

template <typename Real>
int orFailure(Call call, Real real) {
  const int failure = failureOf(call);
  return failure < 0 ? failure : real();
}

}  // namespace

namespace sys {

ssize_t receive(int fd, void* into, size_t limit) {
  const ssize_t fault = transferFault(Call::kReceive, ECONNRESET);
  return fault < 0 ? fault : real_sys::receive(fd, into, shortened(limit));
}

ssize_t send(int fd, const void* from, size_t length) {
  const ssize_t fault = transferFault(Call::kSend, EPIPE);
  return fault < 0 ? fault : real_sys::send(fd, from, shortened(length));
}

ssize_t splice(int from, int to, size_t limit) {
  const ssize_t fault = transferFault(Call::kSplice, ECONNRESET);
  return fault < 0 ? fault : real_sys::splice(from, to, shortened(limit));
}

int openListener(const SocketAddress& bind, PortSharing sharing, bool isTransparent, bool isDualStack) {
  return real_sys::openListener(bind, sharing, isTransparent, isDualStack);
}
int adoptListener(int passed) { return real_sys::adoptListener(passed); }
int accept(int listener, SocketAddress& peer) {
  return opened(Call::kAccept, [&] { return real_sys::accept(listener, peer); });
}
int dial(const SocketAddress& address, const SocketAddress* source, bool isTransparent) {
  return opened(Call::kDial, [&] { return real_sys::dial(address, source, isTransparent); });
}
void keepAlive(int fd, uint32_t seconds) { real_sys::keepAlive(fd, seconds); }
void heedWindow(int fd, uint32_t seconds) { real_sys::heedWindow(fd, seconds); }
void keepUrgentInline(int fd) { real_sys::keepUrgentInline(fd); }
bool hasSourceFor(const SocketAddress& address) { return real_sys::hasSourceFor(address); }
int originalAddress(int fd, SocketAddress& address) { return real_sys::originalAddress(fd, address); }
int localAddress(int fd, SocketAddress& address) {
  return orFailure(Call::kLocalAddress, [&] { return real_sys::localAddress(fd, address); });
}
int peerAddress(int fd, SocketAddress& address) {
  return orFailure(Call::kPeerAddress, [&] { return real_sys::peerAddress(fd, address); });
}
int takeError(int fd) {
  const int failure = failureOf(Call::kTakeError);
  return failure < 0 ? -failure : real_sys::takeError(fd);
}
uint32_t countUnacked(int fd) { return failureOf(Call::kCountUnacked) < 0 ? 0 : real_sys::countUnacked(fd); }
bool hasFin(int fd) { return real_sys::hasFin(fd); }
int sendFin(int fd) {
  return orFailure(Call::kSendFin, [&] { return real_sys::sendFin(fd); });
}
void close(int fd) { real_sys::close(fd); }
void closeWithReset(int fd) { real_sys::closeWithReset(fd); }
int openPipe(int ends[2], size_t capacity) {
  return opened(Call::kOpenPipe, [&] { return real_sys::openPipe(ends, capacity); });
}
int openSpare() { return orFailure(Call::kOpenSpare, [] { return real_sys::openSpare(); }); }
int openEpoll() { return real_sys::openEpoll(); }
int watch(int epoll, int fd, uint32_t events, void* tag) {
  if (const int failure = failureOf(Call::kWatch)) return failure;
  return strikes(faults.shortage) ? -ENOMEM : real_sys::watch(epoll, fd, events, tag);
}
int rewatch(int epoll, int fd, uint32_t events, void* tag) {
  return orFailure(Call::kRewatch, [&] { return real_sys::rewatch(epoll, fd, events, tag); });
}
int unwatch(int epoll, int fd) {
  return orFailure(Call::kUnwatch, [&] { return real_sys::unwatch(epoll, fd); });
}
int wait(int epoll, epoll_event* events, int limit, int timeoutMs) {
  return real_sys::wait(epoll, events, limit, timeoutMs);
}
int openWakeup() { return real_sys::openWakeup(); }
void wake(int wakeup) { real_sys::wake(wakeup); }
int64_t monotonicNs() { return real_sys::monotonicNs(); }

}  // namespace sys
}  // namespace sallyport
