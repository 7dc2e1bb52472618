/* How a client opens a tunnel: TCP, at the explicit door CONNECT and 200, then the ClientHello and its first answer. */
#ifndef DOOR_H
#define DOOR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hello.h"

enum { HEAD_BYTES = 512 };

struct door {
  struct in_addr address; /* 127.0.0.1, unless set otherwise */
  int port;
  bool is_explicit;
  char head[HEAD_BYTES]; /* the CONNECT head and what goes ahead of it, where is_explicit */
  uint8_t hello[HELLO_BYTES];
};

struct tunnel {
  int fd;
  enum { CONNECTING, REQUESTING, GREETING, OPEN, KEPT, OVER } stage;
  int64_t due_ns;   /* when it was to start */
  int64_t open_ns;  /* when the first byte from the origin arrived */
  uint64_t bytes;   /* what the workload counts */
  bool has_finished; /* our FIN is sent */
  size_t reply_length;
  char reply[HEAD_BYTES];
};

enum progress { WAITING, DONE, FAILED };

struct door sni_door(int port, const char *server_name, enum order order, uint64_t bytes);
/* With a header, clients come as through a balancer that tells of them by a PROXY header. */
struct door explicit_door(int port, int origin_port, bool has_header, const char *server_name, enum order order,
                          uint64_t bytes);

/* Goes on with the opening as far as the socket lets it; DONE once the origin's first byte is read. */
enum progress open_tunnel(struct tunnel *tunnel, const struct door *door);

#endif
