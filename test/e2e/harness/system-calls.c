// Makes system calls fail, and sets the clock, from outside: loaded into a process ahead of libc (LD_PRELOAD), told what to do
// by a file that both sides map (SYSTEM_CALLS_FILE).
//
// The file: four numbers of 32 bits and one of 64. Which call is to fail (its place in `calls`, from 1; 0: none), with which errno, how many
// are to succeed before, how many are to fail then; and by how many milliseconds the wall clock is wrong. Where SYSTEM_CALLS_OF is
// set, only calls from an object with this in its name count.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct orders {
  _Atomic int32_t call, error, spared, failures;
  _Atomic int64_t clock_ms;
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

static int is_ours(const void *from) {
  Dl_info info;
  return !caller || (dladdr(from, &info) && info.dli_fname && strstr(info.dli_fname, caller));
}

// Whether this call is to fail; errno is set then.
static int fails(int call, const void *from) {
  if (atomic_load(&orders->call) != call || !is_ours(from)) return 0;
  if (atomic_fetch_sub(&orders->spared, 1) > 0) return 0;
  if (atomic_fetch_sub(&orders->failures, 1) <= 0) return 0;
  errno = atomic_load(&orders->error);
  return 1;
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

// In the order of `calls` in system-calls.ts.
FAULTY(1, int, accept4, (int fd, struct sockaddr *address, socklen_t *length, int flags), fd, address, length, flags)
FAULTY(2, int, socket, (int domain, int type, int protocol), domain, type, protocol)
FAULTY(3, int, connect, (int fd, const struct sockaddr *address, socklen_t length), fd, address, length)
FAULTY(4, ssize_t, recv, (int fd, void *into, size_t length, int flags), fd, into, length, flags)
FAULTY(5, ssize_t, send, (int fd, const void *from, size_t length, int flags), fd, from, length, flags)
FAULTY(6, ssize_t, splice, (int from, off_t *at, int to, off_t *to_at, size_t length, unsigned flags), from, at, to, to_at, length, flags)
FAULTY(7, int, pipe2, (int ends[2], int flags), ends, flags)
FAULTY(8, int, epoll_ctl, (int epoll, int operation, int fd, struct epoll_event *event), epoll, operation, fd, event)
FAULTY(9, int, getsockname, (int fd, struct sockaddr *address, socklen_t *length), fd, address, length)
FAULTY(10, int, getpeername, (int fd, struct sockaddr *address, socklen_t *length), fd, address, length)
FAULTY(11, int, getsockopt, (int fd, int level, int name, void *value, socklen_t *length), fd, level, name, value, length)
FAULTY(12, int, setsockopt, (int fd, int level, int name, const void *value, socklen_t length), fd, level, name, value, length)
FAULTY(13, int, shutdown, (int fd, int how), fd, how)
FAULTY(14, ssize_t, read, (int fd, void *into, size_t length), fd, into, length)
FAULTY(15, ssize_t, write, (int fd, const void *from, size_t length), fd, from, length)

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
