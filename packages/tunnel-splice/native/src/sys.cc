#include "sys.h"

#include <fcntl.h>
#include <linux/netfilter_ipv4.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace sallyport::sys {
namespace {

// The kernel limits it to net.core.somaxconn.
constexpr int kBacklog = 4096;
// The first keep-alive probe: soon enough for middleboxes, rare enough to cost nothing.
constexpr int kKeepAliveSeconds = 60;
// As in linux/netfilter_ipv6/ip6_tables.h, which C++ cannot include.
constexpr int kIp6OriginalDst = 80;

template <typename Call>
auto retried(Call call) -> decltype(call()) {
  for (;;) {
    const auto result = call();
    if (result >= 0) return result;
    if (errno != EINTR) return -errno;
  }
}

int set(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

void setKeepAlive(int fd) {
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveSeconds);
}

// The kernel closes the connection at the first check at or after this time, and checks are an eighth apart.
int userTimeoutMs(uint32_t seconds) { return static_cast<int>(seconds * 875); }

uint32_t unackedOf(int fd) {
  int unacked = 0;
  return ::ioctl(fd, SIOCOUTQ, &unacked) < 0 ? 0 : static_cast<uint32_t>(unacked);
}

// All that was sent was acknowledged, but more waits; and no window probe is unanswered.
bool isWindowClosed(int fd) {
  tcp_info info{};
  socklen_t length = sizeof(info);
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) return false;
  return info.tcpi_unacked == 0 && info.tcpi_probes <= 1 && unackedOf(fd) > 0;
}

void setUrgentInline(int fd) { set(fd, SOL_SOCKET, SO_OOBINLINE, 1); }

void setStreamOptions(int fd) {
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  setUrgentInline(fd);
  setKeepAlive(fd);
}

int openStream(int family) {
  return retried([&] { return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP); });
}

int control(int epoll, int operation, int fd, uint32_t events, void* tag) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = tag;
  return ::epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int setTransparent(int fd, int family) {
  return family == AF_INET6 ? set(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1) : set(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
}

int bindAndListen(int fd, const SocketAddress& bind, PortSharing sharing, bool isTransparent, bool isDualStack) {
  if (const int error = isTransparent ? setTransparent(fd, bind.family()) : 0) return error;
  set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (bind.family() == AF_INET6) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, isDualStack ? 0 : 1);
  setStreamOptions(fd);
  if (sharing == PortSharing::kOneOfMany) set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (::bind(fd, bind.raw(), bind.length) < 0) return -errno;
  // The first of many sets SO_REUSEPORT only once it is bound. Set before, it would silently share a port with another process of the
  // same user, and each process would get half of the clients.
  if (sharing == PortSharing::kFirstOfMany) set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  return ::listen(fd, kBacklog) < 0 ? -errno : 0;
}

int bindSource(int fd, const SocketAddress* source, bool isTransparent) {
  if (source == nullptr) return 0;
  if (const int error = isTransparent ? setTransparent(fd, source->family()) : 0) return error;
  // The port is chosen at connect, when the destination is known too. Otherwise a source address has 28,000 tunnels in all.
  set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  if (::bind(fd, source->raw(), source->length) == 0) return 0;
  // Of a connect the same error means something else.
  return errno == EADDRNOTAVAIL ? -kNoSourceAddress : -errno;
}

}  // namespace

ssize_t receive(int fd, void* into, size_t limit) {
  return retried([&] { return ::recv(fd, into, limit, 0); });
}

ssize_t send(int fd, const void* from, size_t length) {
  return retried([&] { return ::send(fd, from, length, MSG_NOSIGNAL); });
}

ssize_t splice(int from, int to, size_t limit) {
  return retried([&] { return ::splice(from, nullptr, to, nullptr, limit, SPLICE_F_NONBLOCK); });
}

int openListener(const SocketAddress& bind, PortSharing sharing, bool isTransparent, bool isDualStack) {
  const int fd = openStream(bind.family());
  if (fd < 0) return fd;
  const int error = bindAndListen(fd, bind, sharing, isTransparent, isDualStack);
  if (error == 0) return fd;
  close(fd);
  return error;
}

void sharePort(int fd) { set(fd, SOL_SOCKET, SO_REUSEPORT, 1); }

int accept(int listener, SocketAddress& peer) {
  return retried([&] {
    peer.length = sizeof(peer.storage);
    return ::accept4(listener, peer.raw(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  });
}

bool hasSourceFor(const SocketAddress& address) {
  const int fd = retried([&] { return ::socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0); });
  if (fd < 0) return true;
  const bool hasOne = ::connect(fd, address.raw(), address.length) == 0;
  close(fd);
  return hasOne;
}

int tryForeignSource() {
  const int fd = openStream(AF_INET);
  if (fd < 0) return fd;
  const int error = setTransparent(fd, AF_INET);
  close(fd);
  return error;
}

int dial(const SocketAddress& address, const SocketAddress* source, bool isTransparent) {
  const int fd = openStream(address.family());
  if (fd < 0) return fd;
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  setUrgentInline(fd);
  int error = bindSource(fd, source, isTransparent);
  if (error == 0 && ::connect(fd, address.raw(), address.length) < 0 && errno != EINPROGRESS) error = -errno;
  if (error == 0) return fd;
  close(fd);
  return error;
}

// Tunnels that went quiet together are not checked together: a queue that drops what is too much for it, as that of a loopback or
// veth device does at a thousand packets, would drop their probes again and again, and their live peers would pass for dead.
void keepAlive(int fd, uint32_t seconds) {
  const uint32_t sooner = static_cast<uint32_t>(fd) % (seconds / 4 + 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(std::max(1u, seconds / 2 - sooner)));
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(std::max(1u, seconds / 8)));
  set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, userTimeoutMs(seconds));
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

void heedWindow(int fd, uint32_t seconds) {
  set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, isWindowClosed(fd) ? 0 : userTimeoutMs(seconds));
}

void keepUrgentInline(int fd) { setUrgentInline(fd); }

int localAddress(int fd, SocketAddress& address) {
  address.length = sizeof(address.storage);
  return ::getsockname(fd, address.raw(), &address.length) < 0 ? -errno : 0;
}

int adoptListener(int passed) {
  const int fd = retried([&] { return ::fcntl(passed, F_DUPFD_CLOEXEC, 0); });
  if (fd < 0) return fd;
  // The socket is shared with the process that passed it. systemd does not accept on it, so O_NONBLOCK does no harm there.
  int error = ::fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && ::listen(fd, kBacklog) == 0 ? 0 : -errno;
  SocketAddress own;
  if (error == 0) error = localAddress(fd, own);
  // A Unix socket listens, too, but its clients have no address.
  if (error == 0 && own.family() != AF_INET && own.family() != AF_INET6) error = -EAFNOSUPPORT;
  if (error == 0) {
    setStreamOptions(fd);
    return fd;
  }
  close(fd);
  return error;
}

int peerAddress(int fd, SocketAddress& address) {
  address.length = sizeof(address.storage);
  return ::getpeername(fd, address.raw(), &address.length) < 0 ? -errno : 0;
}

int originalAddress(int fd, SocketAddress& address) {
  SocketAddress own;
  if (const int error = localAddress(fd, own)) return error;
  address.length = sizeof(address.storage);
  // An IPv4 client of a dual-stack listener has a socket of IPv6, but netfilter has redirected it as IPv4.
  const int status = isIpv6(own) ? ::getsockopt(fd, IPPROTO_IPV6, kIp6OriginalDst, address.raw(), &address.length)
                                 : ::getsockopt(fd, IPPROTO_IP, SO_ORIGINAL_DST, address.raw(), &address.length);
  return status < 0 ? -errno : 0;
}

int takeError(int fd) {
  int error = 0;
  socklen_t length = sizeof(error);
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

int sendFin(int fd) { return ::shutdown(fd, SHUT_WR) < 0 ? -errno : 0; }

bool isDualStack(int fd) {
  int isIpv6Alone = 1;
  socklen_t length = sizeof isIpv6Alone;
  // An error for a socket of IPv4.
  return ::getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &isIpv6Alone, &length) == 0 && isIpv6Alone == 0;
}

uint32_t countUnacked(int fd) { return unackedOf(fd); }

bool hasFin(int fd) {
  pollfd asked{fd, POLLRDHUP, 0};
  return ::poll(&asked, 1, 0) > 0 && (asked.revents & POLLRDHUP) != 0;
}

void close(int fd) { ::close(fd); }

void closeWithReset(int fd) {
  const linger atOnce{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &atOnce, sizeof(atOnce));
  ::close(fd);
}

int openPipe(int ends[2], size_t capacity) {
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) return -errno;
  if (::fcntl(ends[1], F_SETPIPE_SZ, capacity) >= 0) return 0;
  const int error = -errno;
  close(ends[0]);
  close(ends[1]);
  return error;
}

int openSpare() { return retried([] { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }); }

int openEpoll() { return retried([] { return ::epoll_create1(EPOLL_CLOEXEC); }); }

int watch(int epoll, int fd, uint32_t events, void* tag) { return control(epoll, EPOLL_CTL_ADD, fd, events, tag); }

int rewatch(int epoll, int fd, uint32_t events, void* tag) { return control(epoll, EPOLL_CTL_MOD, fd, events, tag); }

int unwatch(int epoll, int fd) { return ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr) < 0 ? -errno : 0; }

int wait(int epoll, epoll_event* events, int limit, int timeoutMs) {
  const int count = ::epoll_wait(epoll, events, limit, timeoutMs);
  return count < 0 ? -errno : count;
}

int openWakeup() {
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

void wake(int wakeup) {
  const uint64_t one = 1;
  // It fails only when the counter is full, and then the thread is awake already.
  retried([&] { return ::write(wakeup, &one, sizeof(one)); });
}

int64_t monotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

}  // namespace sallyport::sys
