/* Runs many tunnels through one door: so many at once, or at a steady rate. */
#ifndef LOOP_H
#define LOOP_H

#include "door.h"

struct workload {
  struct door door;
  unsigned tunnels;
  unsigned at_once; /* the most under way */
  unsigned rate;    /* a second; 0: a new one as soon as one of `at_once` has ended */
  /* What a tunnel does once it is open: goes on as far as the socket lets it, at its opening and whenever that is ready. */
  enum progress (*work)(struct tunnel *tunnel);
  bool keeps_open; /* a tunnel that is done stays open: its descriptor is then the caller's */
};

struct outcome {
  struct tunnel *tunnels;
  unsigned failed;
  int64_t elapsed_ns;
  int64_t cpu_ns; /* of this program, from its start */
};

struct outcome run_workload(const struct workload *workload);

#endif
