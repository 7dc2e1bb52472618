/* Non-blocking TCP on loopback, a clock, and the one way to give up. */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <stdint.h>

/* Prints what failed and why (errno), and ends the program. */
_Noreturn void give_up(const char *what);

/* Monotonic; nanoseconds. */
int64_t now_ns(void);

/* A listener on 127.0.0.1 and a port that the kernel chooses. */
int listen_on_loopback(void);

int port_of(int listener);

/* Begins to connect to 127.0.0.1. The nth client comes from an address of its own among a few, so that ports last. */
int start_connect(int port, unsigned nth);

/* Why a connect ended: 0, or an errno. */
int connect_error(int fd);

/* Edge-triggered, both directions, once for the descriptor's life: the owner reads and writes until EAGAIN. */
void watch(int epoll, int fd, void *owner);

#endif
