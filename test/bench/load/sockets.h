/* Non-blocking TCP over IPv4, clocks, and the one function that exits on an error. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <netinet/in.h>
#include <stdint.h>

/* Prints what failed and why (errno), and ends the program. */
_Noreturn void give_up(const char *what);

/* Monotonic; nanoseconds. */
int64_t now_ns(void);

/* CPU time of this program so far, the kernel's on its behalf included; nanoseconds. */
int64_t own_cpu_ns(void);

/* A listener on 127.0.0.1 and a port that the kernel chooses. */
int listen_on_loopback(void);

/* A listener on every address. */
int listen_everywhere(int port);

int port_of(int listener);

/* Of an IPv4 literal; gives up on anything else. */
struct in_addr parse_address(const char *text);

/* Begins to connect. On loopback the nth client comes from an address of its own among a few, so that ports last. */
int start_connect(struct in_addr address, int port, unsigned nth);

/* Why a connect ended: 0, or an errno. */
int connect_error(int fd);

/* Edge-triggered, both directions, once for the descriptor's life: the owner reads and writes until EAGAIN. */
void watch(int epoll, int fd, void *owner);

#endif
