/*
 * The origin behind every proxy: does what the ClientHello orders (hello.h). Before that it takes the head of a CONNECT, as a
 * parent that costs next to nothing, or a PROXY header of version 2.
 *
 *   origin [PORT]   on every address; without a port, on loopback at one that the kernel chooses
 *
 * Prints {"port":N} and serves until its stdin ends, so that it never outlives whoever started it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hello.h"
#include "sockets.h"

enum { CHUNK_BYTES = 256 * 1024, EVENTS = 256 };

/* The first byte of a record with a hello (RFC 8446, section 5.1). */
enum { HANDSHAKE = 22 };

struct client {
  int fd;
  enum order order; /* 0 until the hello is complete */
  size_t hello_length;
  uint64_t bytes;    /* as ordered */
  uint64_t done;     /* sent or received of them */
  bool has_finished; /* our FIN is sent */
  uint8_t hello[HELLO_BYTES];
};

static uint8_t chunk[CHUNK_BYTES];

static void accept_all(int epoll, int listener);
static bool serve(struct client *client);

int main(int count, char **arguments) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  int listener = count > 1 ? listen_everywhere(atoi(arguments[1])) : listen_on_loopback();
  watch(epoll, listener, NULL);
  static char parent;
  watch(epoll, STDIN_FILENO, &parent);
  printf("{\"port\":%d}\n", port_of(listener));
  fflush(stdout);

  for (;;) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      struct client *client = events[i].data.ptr;
      if ((void *)client == &parent) {
        if (events[i].events & (EPOLLIN | EPOLLHUP)) return 0;
      } else if (client == NULL) {
        accept_all(epoll, listener);
      } else if (!serve(client)) {
        close(client->fd);
        free(client);
      }
    }
  }
}

static void accept_all(int epoll, int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && errno == EAGAIN) return;
    if (fd < 0 && errno == ECONNABORTED) continue;
    if (fd < 0) give_up("accept");
    struct client *client = calloc(1, sizeof *client);
    if (!client) give_up("calloc");
    client->fd = fd;
    watch(epoll, fd, client);
  }
}

/* True where the socket has merely nothing more for now. */
static bool must_wait(ssize_t result) { return result < 0 && errno == EAGAIN; }

/* How many bytes come before the hello; 0 while they are incomplete. */
static size_t preamble_length(const struct client *client) {
  const uint8_t *begun = client->hello;
  size_t length = client->hello_length;
  if (begun[0] == 'C') {
    const uint8_t *end = memmem(begun, length, "\r\n\r\n", 4);
    return end == NULL ? 0 : (size_t)(end - begun) + 4;
  }
  size_t whole = length < 16 ? SIZE_MAX : 16 + 256 * (size_t)begun[14] + begun[15];
  return whole <= length ? whole : 0;
}

static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";

static bool take_preamble(struct client *client) {
  size_t length = preamble_length(client);
  bool is_connect = client->hello[0] == 'C';
  memmove(client->hello, client->hello + length, client->hello_length -= length);
  if (length == 0 || !is_connect) return true;
  return send(client->fd, established, sizeof established - 1, MSG_NOSIGNAL) == sizeof established - 1;
}

static bool read_hello(struct client *client) {
  ssize_t count = recv(client->fd, client->hello + client->hello_length, HELLO_BYTES - client->hello_length, 0);
  if (count <= 0) return must_wait(count);
  client->hello_length += (size_t)count;
  if (client->hello[0] != HANDSHAKE && !take_preamble(client)) return false;
  if (client->hello_length < HELLO_BYTES) return read_hello(client);
  client->order = read_order(client->hello, &client->bytes);
  return send(client->fd, "k", 1, MSG_NOSIGNAL) == 1;
}

static bool echo(struct client *client) {
  for (;;) {
    ssize_t count = recv(client->fd, chunk, sizeof chunk, 0);
    if (count <= 0) return must_wait(count);
    /* A workload has one small message under way: what does not fit at once is a fault, not backpressure. */
    if (send(client->fd, chunk, (size_t)count, MSG_NOSIGNAL) != count) return false;
  }
}

static bool await_end(struct client *client) {
  char byte;
  return must_wait(recv(client->fd, &byte, 1, 0));
}

static bool finish(struct client *client) {
  if (!client->has_finished) shutdown(client->fd, SHUT_WR);
  client->has_finished = true;
  return await_end(client);
}

static bool send_all(struct client *client) {
  while (client->done < client->bytes) {
    uint64_t left = client->bytes - client->done;
    size_t length = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
    ssize_t count = send(client->fd, chunk, length, MSG_NOSIGNAL);
    if (count < 0) return must_wait(count);
    client->done += (uint64_t)count;
  }
  return finish(client);
}

/* Its end is a number of bytes, not the client's FIN: many proxies end the whole tunnel at the first FIN. */
static bool swallow(struct client *client) {
  while (client->done < client->bytes) {
    /* MSG_TRUNC throws bytes away uncopied (tcp(7)): the load's core must not be what limits the proxy. */
    ssize_t count = recv(client->fd, NULL, 16 * CHUNK_BYTES, MSG_TRUNC);
    if (count <= 0) return must_wait(count);
    client->done += (uint64_t)count;
  }
  if (client->has_finished) return await_end(client);
  uint8_t total[8];
  write_u64(total, client->done);
  if (send(client->fd, total, sizeof total, MSG_NOSIGNAL) != sizeof total) return false;
  return finish(client);
}

/* Goes on as far as the socket lets it; false when the connection is to be closed. */
static bool serve(struct client *client) {
  if (client->order == 0 && !read_hello(client)) return false;
  switch (client->order) {
    case ECHO: return echo(client);
    case SEND: return send_all(client);
    case SWALLOW: return swallow(client);
  }
  return client->order == 0;
}
