#include "hello.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_HEADER = 5, HANDSHAKE_HEADER = 4, RANDOM_AT = RECORD_HEADER + HANDSHAKE_HEADER + 2 };

static uint8_t *put(uint8_t *at, size_t width, size_t value) {
  for (size_t i = 0; i < width; i++) at[i] = (uint8_t)(value >> 8 * (width - 1 - i));
  return at + width;
}

static uint8_t *put_extension(uint8_t *at, unsigned type, size_t length) {
  return put(put(at, 2, type), 2, length);
}

static uint8_t *put_server_name(uint8_t *at, const char *name) {
  size_t length = strlen(name);
  at = put_extension(at, 0, length + 5);
  at = put(at, 2, length + 3);
  at = put(at, 1, 0); /* host_name (RFC 6066, section 3) */
  at = put(at, 2, length);
  memcpy(at, name, length);
  return at + length;
}

void write_hello(uint8_t hello[HELLO_BYTES], const char *server_name, enum order order, uint64_t bytes) {
  if (strlen(server_name) > 255) {
    fprintf(stderr, "%s: the name is too long for this hello\n", server_name);
    exit(1);
  }
  memset(hello, 0, HELLO_BYTES);
  uint8_t *at = hello;
  at = put(put(put(at, 1, 22), 2, 0x0301), 2, HELLO_BYTES - RECORD_HEADER);
  at = put(put(at, 1, 1), 3, HELLO_BYTES - RECORD_HEADER - HANDSHAKE_HEADER);
  at = put(at, 2, 0x0303);
  at[0] = (uint8_t)order;
  write_u64(at + 1, bytes);
  at += 32;
  at = put(at, 1, 0);               /* legacy_session_id */
  at = put(put(at, 2, 2), 2, 0x1301); /* cipher_suites: TLS_AES_128_GCM_SHA256 */
  at = put(put(at, 1, 1), 1, 0);    /* legacy_compression_methods: null */
  at = put(at, 2, (size_t)(hello + HELLO_BYTES - (at + 2)));
  at = put_server_name(at, server_name);
  at = put(put(put_extension(at, 43, 3), 1, 2), 2, 0x0304); /* supported_versions: TLS 1.3 */
  put_extension(at, 21, (size_t)(hello + HELLO_BYTES - (at + 4))); /* padding, zeros to the end */
}

enum order read_order(const uint8_t hello[HELLO_BYTES], uint64_t *bytes) {
  *bytes = read_u64(hello + RANDOM_AT + 1);
  return (enum order)hello[RANDOM_AT];
}

void write_u64(uint8_t out[8], uint64_t value) {
  for (int i = 7; i >= 0; i--, value >>= 8) out[i] = (uint8_t)value;
}

uint64_t read_u64(const uint8_t in[8]) {
  uint64_t value = 0;
  for (int i = 0; i < 8; i++) value = value << 8 | in[i];
  return value;
}
