#define _GNU_SOURCE
#include "sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

/* 28,000 ephemeral ports an address last about four seconds at 7,000 tunnels a second. */
enum { CLIENT_ADDRESSES = 16, BACKLOG = 4096 };

_Noreturn void give_up(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t read_clock(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t now_ns(void) { return read_clock(CLOCK_MONOTONIC); }

int64_t own_cpu_ns(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

static struct sockaddr_in loopback(unsigned last_octet, int port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET,
      .sin_port = htons((uint16_t)port),
      .sin_addr.s_addr = htonl((127u << 24) + last_octet),
  };
}

static int open_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) give_up("socket");
  return fd;
}

static int listen_on(struct sockaddr_in here) {
  int fd = open_socket();
  if (bind(fd, (struct sockaddr *)&here, sizeof here) < 0) give_up("bind");
  if (listen(fd, BACKLOG) < 0) give_up("listen");
  return fd;
}

int listen_on_loopback(void) { return listen_on(loopback(1, 0)); }

int listen_everywhere(int port) {
  return listen_on((struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)});
}

int port_of(int listener) {
  struct sockaddr_in here;
  socklen_t length = sizeof here;
  if (getsockname(listener, (struct sockaddr *)&here, &length) < 0) give_up("getsockname");
  return ntohs(here.sin_port);
}

struct in_addr parse_address(const char *text) {
  struct in_addr address;
  errno = EINVAL;
  if (inet_pton(AF_INET, text, &address) != 1) give_up(text);
  return address;
}

static void bind_to_nth(int fd, unsigned nth) {
  int yes = 1;
  /* The port is chosen at connect(), where only the whole four-tuple has to be free (ip(7)). */
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  struct sockaddr_in from = loopback(2 + nth % CLIENT_ADDRESSES, 0);
  if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) give_up("bind");
}

int start_connect(struct in_addr address, int port, unsigned nth) {
  int fd = open_socket();
  if (address.s_addr == htonl(INADDR_LOOPBACK)) bind_to_nth(fd, nth);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = address};
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) give_up("connect");
  return fd;
}

int connect_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return errno;
  return error;
}

void watch(int epoll, int fd, void *owner) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = owner};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) give_up("epoll_ctl");
}
