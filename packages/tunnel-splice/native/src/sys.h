// Every system call of the data threads, in one place, where the tests inject short reads and errors.
//
// A result below zero is a negated errno, so that no caller depends on the thread's errno. EINTR is retried here. Descriptors are made
// non-blocking and close-on-exec. Sending never raises SIGPIPE (the threads block it).
#pragma once

#include <sys/epoll.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "address.h"

namespace sallyport::sys {

// How a listener shares its port. Accepted sockets inherit the listener's options, so that an accept costs no further call.
enum class PortSharing : uint8_t { kExclusive, kFirstOfMany, kOneOfMany };

ssize_t receive(int fd, void* into, size_t limit);
ssize_t send(int fd, const void* from, size_t length);
// Never with SPLICE_F_MORE: it costs 40 % of the throughput.
ssize_t splice(int from, int to, size_t limit);

// `isTransparent` takes clients on their way to any address, and needs CAP_NET_ADMIN.
int openListener(const SocketAddress& bind, PortSharing sharing, bool isTransparent, bool isDualStack);
// Our own descriptor for a socket that another process bound and passed to us.
int adoptListener(int passed);
// Other sockets of the same user that ask for it too may be bound to this port.
void sharePort(int fd);
int accept(int listener, SocketAddress& peer);
// A socket that is connecting or connected to `address`. A transparent one may have a source that is not ours.
// Returns -kNoSourceAddress where the source is not an address of this machine.
int dial(const SocketAddress& address, const SocketAddress* source, bool isTransparent);
// Whether this machine has an address from which to reach `address`: a socket of UDP needs one too, and other ports.
bool hasSourceFor(const SocketAddress& address);
// 0 where the kernel lets us dial from addresses that are not ours: that needs CAP_NET_ADMIN or CAP_NET_RAW.
int tryForeignSource();
// Above all errors of the kernel, which end at 4095.
constexpr int kNoSourceAddress = 4'096;
// Lets the kernel probe a silent peer, and close the connection within so many seconds after the peer has vanished: by keep-alive where
// nothing is on its way to it, by TCP_USER_TIMEOUT where something is.
void keepAlive(int fd, uint32_t seconds);
// TCP_USER_TIMEOUT also counts while a live peer has closed its window, as a reader that pauses does. So it is lifted while the window is
// closed and the peer answers.
void heedWindow(int fd, uint32_t seconds);
// Leaves an urgent byte in its place in the stream: out of line it would be lost, and the stream would have a gap.
void keepUrgentInline(int fd);
int localAddress(int fd, SocketAddress& address);
int peerAddress(int fd, SocketAddress& address);
// Where a connection was going before netfilter redirected it; -ENOENT where conntrack knows nothing of it.
int originalAddress(int fd, SocketAddress& address);
// The pending error of a socket, as a positive errno; reading it clears it.
int takeError(int fd);
int sendFin(int fd);
// How many bytes sent the peer has not acknowledged.
uint32_t countUnacked(int fd);
// The peer's FIN has come, even behind unread bytes.
bool hasFin(int fd);
// A socket of IPv6 that takes IPv4 clients too.
bool isDualStack(int fd);
void close(int fd);
void closeWithReset(int fd);

// A pipe that holds `capacity` bytes, or an error: a smaller one is of no use.
int openPipe(int ends[2], size_t capacity);
int openSpare();

int openEpoll();
int watch(int epoll, int fd, uint32_t events, void* tag);
// Watches a watched descriptor for other events. What is ready by now makes an event again.
int rewatch(int epoll, int fd, uint32_t events, void* tag);
int unwatch(int epoll, int fd);
int wait(int epoll, epoll_event* events, int limit, int timeoutMs);
int openWakeup();
void wake(int wakeup);

int64_t monotonicNs();

}  // namespace sallyport::sys
