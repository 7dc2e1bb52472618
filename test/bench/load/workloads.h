/* What a tunnel does once it is open: one function for each workload, to go into struct workload. */
#ifndef WORKLOADS_H
#define WORKLOADS_H

#include "door.h"

/* Nothing: FIN, and the other side's FIN. */
enum progress leave(struct tunnel *tunnel);

/* Nothing, and stays. */
enum progress stay(struct tunnel *tunnel);

/* Reads so many bytes (`set_workload`) and the origin's FIN. */
enum progress download(struct tunnel *tunnel);

/* Sends so many bytes and has the origin confirm them. */
enum progress upload(struct tunnel *tunnel);

/* Sends 1 KiB and waits for it to come back, until all tunnels together have made so many round trips. */
enum progress ping_pong(struct tunnel *tunnel);

/* Bytes in each tunnel, or round trips in all. */
void set_workload(uint64_t bytes, uint64_t rounds);

#endif
