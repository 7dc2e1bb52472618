// What the parts of the engine's fuzzer share: random numbers, the stream that every client sends, and assertions.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

#define REQUIRE(condition)                                        \
  do {                                                            \
    if (!(condition)) {                                           \
      fprintf(stderr, "%s (line %d)\n", #condition, __LINE__);    \
      abort();                                                    \
    }                                                             \
  } while (false)

namespace sallyport {

inline std::mt19937 generator;
inline uint32_t dice(uint32_t sides) { return generator() % sides; }

inline char byteAt(uint64_t place) { return static_cast<char>((place * 2654435761u) >> 11); }

// Many clients say exactly so much of it first: they are alike.
constexpr size_t kOpeningLength = 300;

inline void closeAbruptly(int fd) {
  const linger atOnce{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &atOnce, sizeof(atOnce));
  close(fd);
}

}  // namespace sallyport
