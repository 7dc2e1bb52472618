/*
 * The ClientHello that opens every tunnel (RFC 8446, section 4.1.2), at either door.
 *
 * Its random tells the origin what to do: byte 0 is the order, bytes 1 to 8 a number of bytes, big-endian. The proxies
 * pass it on unread, so one origin on one port serves every workload.
 */
#ifndef HELLO_H
#define HELLO_H

#include <stddef.h>
#include <stdint.h>

/* What browsers pad to: a hello of 256 to 511 bytes hangs some old servers (RFC 7685). */
enum { HELLO_BYTES = 517 };

enum order {
  ECHO = 'e',    /* one byte, then every byte back */
  SEND = 's',    /* one byte, then so many bytes, then FIN */
  SWALLOW = 'w', /* one byte; once so many bytes have come, that number (8, big-endian) and FIN */
};

void write_hello(uint8_t hello[HELLO_BYTES], const char *server_name, enum order order, uint64_t bytes);

enum order read_order(const uint8_t hello[HELLO_BYTES], uint64_t *bytes);

void write_u64(uint8_t out[8], uint64_t value);
uint64_t read_u64(const uint8_t in[8]);

#endif
