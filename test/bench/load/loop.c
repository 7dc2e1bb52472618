#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "sockets.h"

enum { EVENTS = 256 };

struct run {
  const struct workload *workload;
  struct outcome outcome;
  int epoll;
  int pacer; /* a timer that ticks at the rate; -1 without one */
  int64_t started_ns;
  unsigned due, started, ended;
};

static void start_pacer(struct run *run);
static void count_ticks(struct run *run);
static void start_due(struct run *run);
static void advance(struct run *run, struct tunnel *tunnel);

struct outcome run_workload(const struct workload *workload) {
  struct run run = {.workload = workload, .epoll = epoll_create1(EPOLL_CLOEXEC), .pacer = -1};
  run.outcome.tunnels = calloc(workload->tunnels, sizeof *run.outcome.tunnels);
  if (!run.outcome.tunnels) give_up("calloc");
  run.started_ns = now_ns();
  if (workload->rate > 0) start_pacer(&run);
  else run.due = workload->tunnels;

  while (run.ended < workload->tunnels) {
    start_due(&run);
    struct epoll_event events[EVENTS];
    int count = epoll_wait(run.epoll, events, EVENTS, -1);
    if (count < 0 && errno != EINTR) give_up("epoll_wait");
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr == NULL) count_ticks(&run);
      else advance(&run, events[i].data.ptr);
    }
  }
  run.outcome.elapsed_ns = now_ns() - run.started_ns;
  run.outcome.cpu_ns = own_cpu_ns();
  if (run.pacer >= 0) close(run.pacer);
  close(run.epoll);
  return run.outcome;
}

static void start_pacer(struct run *run) {
  long period = 1000000000L / run->workload->rate;
  struct itimerspec every = {.it_interval.tv_nsec = period, .it_value.tv_nsec = period};
  run->pacer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (run->pacer < 0 || timerfd_settime(run->pacer, 0, &every, NULL) < 0) give_up("timerfd");
  watch(run->epoll, run->pacer, NULL);
}

static void count_ticks(struct run *run) {
  uint64_t ticks;
  if (read(run->pacer, &ticks, sizeof ticks) != sizeof ticks) return;
  /* Waiting for a slow proxy counts (coordinated omission); that this program came late to its own tick does not. */
  int64_t now = now_ns();
  for (; ticks > 0 && run->due < run->workload->tunnels; ticks--) run->outcome.tunnels[run->due++].due_ns = now;
}

static void start_due(struct run *run) {
  const struct workload *workload = run->workload;
  while (run->started < run->due && run->started - run->ended < workload->at_once) {
    struct tunnel *tunnel = &run->outcome.tunnels[run->started];
    if (workload->rate == 0) tunnel->due_ns = now_ns();
    tunnel->fd = start_connect(workload->door.address, workload->door.port, run->started);
    run->started++;
    watch(run->epoll, tunnel->fd, tunnel);
  }
}

static void end(struct run *run, struct tunnel *tunnel, enum progress progress) {
  bool is_kept = progress == DONE && run->workload->keeps_open;
  run->ended++;
  if (progress == FAILED) run->outcome.failed++;
  tunnel->stage = is_kept ? KEPT : OVER;
  if (!is_kept) close(tunnel->fd);
}

static void advance(struct run *run, struct tunnel *tunnel) {
  if (tunnel->stage == KEPT) return;
  enum progress progress = DONE;
  /* A connect that is still under way makes no event: the first one is its result. */
  if (tunnel->stage < OPEN) progress = open_tunnel(tunnel, &run->workload->door);
  if (progress == DONE) progress = run->workload->work(tunnel);
  if (progress != WAITING) end(run, tunnel, progress);
}
