#define _GNU_SOURCE
#include "door.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "sockets.h"

struct door sni_door(int port, const char *server_name, enum order order, uint64_t bytes) {
  struct door door = {.address.s_addr = htonl(INADDR_LOOPBACK), .port = port};
  write_hello(door.hello, server_name, order, bytes);
  return door;
}

struct door explicit_door(int port, int origin_port, bool has_header, const char *server_name, enum order order,
                          uint64_t bytes) {
  struct door door = sni_door(port, server_name, order, bytes);
  door.is_explicit = true;
  /* A literal: not every proxy has a hosts table of its own, and a look-up in /etc/hosts is not what is measured. */
  const char *header = has_header ? "PROXY TCP4 127.0.0.1 127.0.0.1 40000 3128\r\n" : "";
  snprintf(door.head, sizeof door.head, "%sCONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", header,
           origin_port, origin_port);
  return door;
}

static enum progress send_whole(int fd, const void *bytes, size_t length) {
  return send(fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length ? DONE : FAILED;
}

static enum progress await_connected(struct tunnel *tunnel, const struct door *door) {
  int error = connect_error(tunnel->fd);
  if (error != 0) return FAILED;
  tunnel->stage = door->is_explicit ? REQUESTING : GREETING;
  if (door->is_explicit) return send_whole(tunnel->fd, door->head, strlen(door->head));
  return send_whole(tunnel->fd, door->hello, HELLO_BYTES);
}

static enum progress await_established(struct tunnel *tunnel, const struct door *door) {
  size_t room = sizeof tunnel->reply - 1 - tunnel->reply_length;
  ssize_t count = recv(tunnel->fd, tunnel->reply + tunnel->reply_length, room, 0);
  if (count <= 0) return count < 0 && errno == EAGAIN ? WAITING : FAILED;
  tunnel->reply_length += (size_t)count;
  tunnel->reply[tunnel->reply_length] = 0;
  /* The origin is silent until the hello, so the head's end is the last that can have come. */
  if (!strstr(tunnel->reply, "\r\n\r\n")) return await_established(tunnel, door);
  if (strncmp(tunnel->reply, "HTTP/1.", 7) != 0 || strncmp(tunnel->reply + 8, " 200", 4) != 0) return FAILED;
  tunnel->stage = GREETING;
  return send_whole(tunnel->fd, door->hello, HELLO_BYTES);
}

static enum progress await_first_byte(struct tunnel *tunnel) {
  char byte;
  ssize_t count = recv(tunnel->fd, &byte, 1, 0);
  if (count != 1) return count < 0 && errno == EAGAIN ? WAITING : FAILED;
  tunnel->stage = OPEN;
  tunnel->open_ns = now_ns();
  return DONE;
}

enum progress open_tunnel(struct tunnel *tunnel, const struct door *door) {
  enum progress progress = DONE;
  if (tunnel->stage == CONNECTING) progress = await_connected(tunnel, door);
  if (progress == DONE && tunnel->stage == REQUESTING) progress = await_established(tunnel, door);
  if (progress == DONE && tunnel->stage == GREETING) progress = await_first_byte(tunnel);
  return progress;
}
