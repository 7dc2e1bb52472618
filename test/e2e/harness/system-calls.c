// Makes system calls fail, and sets the clock, from outside: loaded into a process ahead of libc (LD_PRELOAD), told what to do
// by a file that both sides map (SYSTEM_CALLS_FILE).
//
// The file: four numbers of 32 bits and one of 64. Which call is to fail (its place in `calls`, from 1; 0: none), with which errno, how many
// are to succeed before, how many are to fail then; and by how many milliseconds the wall clock is wrong. Where SYSTEM_CALLS_OF is
// set, only calls from an object with this in its name count, and two tables follow. How many of each call it has made; and which descriptors it
// has opened and not closed: by number, the inode that it was opened for, which tells a descriptor from a later one of the same number.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CALLS 32
#define DESCRIPTORS 4096

struct orders {
  _Atomic int32_t call, error, spared, failures;
  _Atomic int64_t clock_ms;
  _Atomic uint32_t made[CALLS];
  _Atomic uint64_t opened[DESCRIPTORS];
};

static struct orders none;
static struct orders *orders = &none;
static const char *caller;

__attribute__((constructor)) static void map_orders(void) {
  caller = getenv("SYSTEM_CALLS_OF");
  const char *path = getenv("SYSTEM_CALLS_FILE");
  const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof(struct orders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) orders = mapped;
  close(fd);
}

// By the place that calls: dladdr takes a lock, which a process that was forked meanwhile never gets.
#define PLACES 1024
static _Atomic uintptr_t others[PLACES], ours[PLACES];

static int is_ours(const void *from) {
  if (!caller) return 1;
  const uintptr_t place = (uintptr_t)from;
  const size_t slot = (place >> 2) % PLACES;
  if (atomic_load(&others[slot]) == place) return 0;
  if (atomic_load(&ours[slot]) == place) return 1;
  Dl_info info;
  const int is = dladdr(from, &info) && info.dli_fname && strstr(info.dli_fname, caller);
  atomic_store(is ? &ours[slot] : &others[slot], place);
  return is;
}

// Whether this call is to fail; errno is set then.
static int fails(int call, const void *from) {
  if (!caller && atomic_load(&orders->call) != call) return 0;
  if (!is_ours(from)) return 0;
  if (caller) atomic_fetch_add(&orders->made[call - 1], 1);
  if (atomic_load(&orders->call) != call) return 0;
  if (atomic_fetch_sub(&orders->spared, 1) > 0) return 0;
  if (atomic_fetch_sub(&orders->failures, 1) <= 0) return 0;
  errno = atomic_load(&orders->error);
  return 1;
}

static int opened(int fd, const void *from) {
  struct stat facts;
  if (fd < 0 || fd >= DESCRIPTORS || !caller || !is_ours(from) || fstat(fd, &facts) != 0) return fd;
  atomic_store(&orders->opened[fd], facts.st_ino);
  return fd;
}

#define FROM __builtin_return_address(0)
#define REAL(name) \
  static __typeof__(name) *real; \
  if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define FAULTY(place, type, name, parameters, ...) \
  type name parameters { \
    REAL(name); \
    return fails(place, FROM) ? -1 : real(__VA_ARGS__); \
  }

// Its result is a descriptor.
#define OPENING(place, name, parameters, ...) \
  int name parameters { \
    REAL(name); \
    return fails(place, FROM) ? -1 : opened(real(__VA_ARGS__), FROM); \
  }

// It takes one argument more, or none.
#define VARIADIC(place, name, parameters, last, ...) \
  int name parameters { \
    REAL(name); \
    va_list rest; \
    va_start(rest, last); \
    void *argument = va_arg(rest, void *); \
    va_end(rest); \
    if (fails(place, FROM)) return -1; \
    const int result = real(__VA_ARGS__, argument); \
    return place == FCNTL && command != F_DUPFD_CLOEXEC ? result : place == IOCTL ? result : opened(result, FROM); \
  }

enum { FCNTL = 18, IOCTL = 19 };

// In the order of `CALLS` in system-calls.ts.
OPENING(1, accept4, (int fd, struct sockaddr *address, socklen_t *length, int flags), fd, address, length, flags)
OPENING(2, socket, (int domain, int type, int protocol), domain, type, protocol)
FAULTY(3, int, connect, (int fd, const struct sockaddr *address, socklen_t length), fd, address, length)
FAULTY(4, ssize_t, recv, (int fd, void *into, size_t length, int flags), fd, into, length, flags)
FAULTY(5, ssize_t, send, (int fd, const void *from, size_t length, int flags), fd, from, length, flags)
FAULTY(6, ssize_t, splice, (int from, off_t *at, int to, off_t *to_at, size_t length, unsigned flags), from, at, to, to_at, length, flags)
int pipe2(int ends[2], int flags) {
  REAL(pipe2);
  if (fails(7, FROM)) return -1;
  const int result = real(ends, flags);
  if (result == 0) for (int end = 0; end < 2; end++) opened(ends[end], FROM);
  return result;
}
FAULTY(8, int, epoll_ctl, (int epoll, int operation, int fd, struct epoll_event *event), epoll, operation, fd, event)
FAULTY(9, int, getsockname, (int fd, struct sockaddr *address, socklen_t *length), fd, address, length)
FAULTY(10, int, getpeername, (int fd, struct sockaddr *address, socklen_t *length), fd, address, length)
FAULTY(11, int, getsockopt, (int fd, int level, int name, void *value, socklen_t *length), fd, level, name, value, length)
FAULTY(12, int, setsockopt, (int fd, int level, int name, const void *value, socklen_t length), fd, level, name, value, length)
FAULTY(13, int, shutdown, (int fd, int how), fd, how)
FAULTY(14, ssize_t, read, (int fd, void *into, size_t length), fd, into, length)
FAULTY(15, ssize_t, write, (int fd, const void *from, size_t length), fd, from, length)
FAULTY(16, int, bind, (int fd, const struct sockaddr *address, socklen_t length), fd, address, length)
FAULTY(17, int, listen, (int fd, int backlog), fd, backlog)
VARIADIC(FCNTL, fcntl64, (int fd, int command, ...), command, fd, command)
VARIADIC(IOCTL, ioctl, (int fd, unsigned long command, ...), command, fd, command)
FAULTY(20, int, epoll_wait, (int epoll, struct epoll_event *events, int limit, int timeout), epoll, events, limit, timeout)
FAULTY(21, int, poll, (struct pollfd *asked, nfds_t count, int timeout), asked, count, timeout)
OPENING(22, epoll_create1, (int flags), flags)
OPENING(23, eventfd, (unsigned initial, int flags), initial, flags)
VARIADIC(24, open64, (const char *path, int command, ...), command, path, command)

int close(int fd) {
  REAL(close);
  if (caller && fd >= 0 && fd < DESCRIPTORS) atomic_store(&orders->opened[fd], 0);
  return real(fd);
}

static void add(int64_t *seconds, int64_t *nanoseconds) {
  const int64_t ms = atomic_load(&orders->clock_ms);
  const int64_t sum = *seconds * 1000000000 + *nanoseconds + ms * 1000000;
  *seconds = sum / 1000000000;
  *nanoseconds = sum % 1000000000;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  REAL(clock_gettime);
  const int result = real(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    int64_t seconds = time->tv_sec, nanoseconds = time->tv_nsec;
    add(&seconds, &nanoseconds);
    time->tv_sec = seconds;
    time->tv_nsec = nanoseconds;
  }
  return result;
}

int gettimeofday(struct timeval *time, void *zone) {
  struct timespec now;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *into) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (into) *into = now.tv_sec;
  return now.tv_sec;
}
