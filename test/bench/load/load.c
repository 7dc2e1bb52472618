/*
 * The load generator: load WORKLOAD key=value...
 *
 *   set-up     tunnels=N at_once=N [rate=N]      opens tunnels and closes them at their first byte
 *   download   tunnels=N bytes=N                 so many bytes in each tunnel, all tunnels at once
 *   upload     tunnels=N bytes=N
 *   ping-pong  tunnels=N rounds=N                round trips of 1 KiB, in all
 *   hold       tunnels=N at_once=N               opens tunnels, prints its line, and holds them until stdin ends
 *
 * And for all: port=N, the door; address=IPV4, where it is if not on loopback; name=HOST, the server_name;
 * connect=ORIGIN_PORT at the explicit door, with header=1 a PROXY header ahead of it; limit=SECONDS.
 * Prints one line of JSON; times are microseconds from the moment a tunnel was due to its first byte.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "sockets.h"
#include "workloads.h"

static const struct {
  const char *name;
  enum order order;
  enum progress (*work)(struct tunnel *);
  bool keeps_open;
} kinds[] = {
    {"set-up", ECHO, leave, false},     {"download", SEND, download, false}, {"upload", SWALLOW, upload, false},
    {"ping-pong", ECHO, ping_pong, false}, {"hold", ECHO, stay, true},
};

static struct workload read_arguments(int count, char **arguments);
static void print_outcome(const struct workload *workload, const struct outcome *outcome);
static void hold(const struct workload *workload, const struct outcome *outcome);

int main(int count, char **arguments) {
  /* Whoever started the load wants none of it when gone. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  struct workload workload = read_arguments(count, arguments);
  struct outcome outcome = run_workload(&workload);
  print_outcome(&workload, &outcome);
  if (workload.keeps_open) hold(&workload, &outcome);
  return 0;
}

static const char *text(int count, char **arguments, const char *key, const char *otherwise) {
  size_t length = strlen(key);
  for (int i = 2; i < count; i++) {
    if (strncmp(arguments[i], key, length) == 0 && arguments[i][length] == '=') return arguments[i] + length + 1;
  }
  return otherwise;
}

static uint64_t number(int count, char **arguments, const char *key, const char *otherwise) {
  return strtoull(text(count, arguments, key, otherwise), NULL, 10);
}

static struct workload read_arguments(int count, char **arguments) {
  for (size_t i = 0; count > 1 && i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(arguments[1], kinds[i].name) != 0) continue;
    struct workload workload = {.work = kinds[i].work, .keeps_open = kinds[i].keeps_open};
    const char *name = text(count, arguments, "name", "origin.test");
    int port = (int)number(count, arguments, "port", "0");
    int origin_port = (int)number(count, arguments, "connect", "0");
    uint64_t bytes = number(count, arguments, "bytes", "0");
    workload.tunnels = (unsigned)number(count, arguments, "tunnels", "1");
    workload.at_once = (unsigned)number(count, arguments, "at_once", "4096");
    workload.rate = (unsigned)number(count, arguments, "rate", "0");
    workload.door = origin_port ? explicit_door(port, origin_port, number(count, arguments, "header", "0") != 0, name,
                                                kinds[i].order, bytes)
                                : sni_door(port, name, kinds[i].order, bytes);
    workload.door.address = parse_address(text(count, arguments, "address", "127.0.0.1"));
    set_workload(bytes, number(count, arguments, "rounds", "0"));
    alarm((unsigned)number(count, arguments, "limit", "120"));
    return workload;
  }
  fprintf(stderr, "usage: load set-up|download|upload|ping-pong|hold key=value... (see load.c)\n");
  exit(2);
}

static int by_value(const void *a, const void *b) {
  int64_t difference = *(const int64_t *)a - *(const int64_t *)b;
  return (difference > 0) - (difference < 0);
}

static void print_outcome(const struct workload *workload, const struct outcome *outcome) {
  int64_t *times = calloc(workload->tunnels, sizeof *times);
  if (!times) give_up("calloc");
  size_t opened = 0;
  for (unsigned i = 0; i < workload->tunnels; i++) {
    const struct tunnel *tunnel = &outcome->tunnels[i];
    if (tunnel->open_ns > 0) times[opened++] = (tunnel->open_ns - tunnel->due_ns) / 1000;
  }
  qsort(times, opened, sizeof *times, by_value);
  int64_t p50 = opened ? times[opened / 2] : 0, p99 = opened ? times[opened * 99 / 100] : 0;
  printf("{\"tunnels\":%u,\"failed\":%u,\"seconds\":%.6f,\"cpu_seconds\":%.6f,\"p50_us\":%lld,\"p99_us\":%lld}\n",
         workload->tunnels, outcome->failed, (double)outcome->elapsed_ns / 1e9, (double)outcome->cpu_ns / 1e9,
         (long long)p50, (long long)p99);
  fflush(stdout);
  free(times);
}

/* Until stdin ends; then complains of every tunnel that did not last. */
static void hold(const struct workload *workload, const struct outcome *outcome) {
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  unsigned cut = 0;
  for (unsigned i = 0; i < workload->tunnels; i++) {
    const struct tunnel *tunnel = &outcome->tunnels[i];
    if (tunnel->stage == KEPT && recv(tunnel->fd, &byte, 1, 0) >= 0) cut++;
  }
  if (cut == 0) return;
  fprintf(stderr, "%u of %u tunnels were cut while idle\n", cut, workload->tunnels);
  exit(1);
}
