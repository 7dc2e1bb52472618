#define _GNU_SOURCE
#include "workloads.h"

#include <errno.h>
#include <sys/socket.h>

enum { CHUNK_BYTES = 256 * 1024, PING_BYTES = 1024 };

static uint8_t chunk[CHUNK_BYTES];
static uint64_t bytes_each;
static uint64_t rounds_left;

void set_workload(uint64_t bytes, uint64_t rounds) {
  bytes_each = bytes;
  rounds_left = rounds;
}

static enum progress wait_or_fail(void) { return errno == EAGAIN ? WAITING : FAILED; }

enum progress leave(struct tunnel *tunnel) {
  if (!tunnel->has_finished) shutdown(tunnel->fd, SHUT_WR);
  tunnel->has_finished = true;
  char byte;
  ssize_t count = recv(tunnel->fd, &byte, 1, 0);
  if (count < 0) return wait_or_fail();
  return count == 0 ? DONE : FAILED;
}

enum progress stay(struct tunnel *tunnel) {
  (void)tunnel;
  return DONE;
}

enum progress download(struct tunnel *tunnel) {
  for (;;) {
    /* MSG_TRUNC throws bytes away uncopied (tcp(7)): the load's core must not be what limits the proxy. */
    ssize_t count = recv(tunnel->fd, NULL, 16 * CHUNK_BYTES, MSG_TRUNC);
    if (count < 0) return wait_or_fail();
    if (count == 0) return tunnel->bytes == bytes_each ? DONE : FAILED;
    tunnel->bytes += (uint64_t)count;
  }
}

static enum progress await_total(struct tunnel *tunnel) {
  uint8_t total[8];
  ssize_t count = recv(tunnel->fd, total, sizeof total, 0);
  if (count < 0) return wait_or_fail();
  return count == sizeof total && read_u64(total) == bytes_each ? DONE : FAILED;
}

enum progress upload(struct tunnel *tunnel) {
  while (tunnel->bytes < bytes_each) {
    uint64_t left = bytes_each - tunnel->bytes;
    ssize_t count = send(tunnel->fd, chunk, left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES, MSG_NOSIGNAL);
    if (count < 0) return wait_or_fail();
    tunnel->bytes += (uint64_t)count;
  }
  return await_total(tunnel);
}

enum progress ping_pong(struct tunnel *tunnel) {
  for (;;) {
    /* Here `bytes` is what has yet to come back. */
    if (tunnel->bytes == 0) {
      if (rounds_left == 0) return leave(tunnel);
      rounds_left--;
      if (send(tunnel->fd, chunk, PING_BYTES, MSG_NOSIGNAL) != PING_BYTES) return FAILED;
      tunnel->bytes = PING_BYTES;
    }
    ssize_t count = recv(tunnel->fd, chunk, tunnel->bytes, 0);
    if (count < 0) return wait_or_fail();
    if (count == 0) return FAILED;
    tunnel->bytes -= (uint64_t)count;
  }
}
