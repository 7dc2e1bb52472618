// A pattern for the first bytes of a stream. JavaScript registers it once, by number. Here bytes are compared with it, never parsed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace sallyport {

struct Beginning {
  std::string bytes;
  std::string mask;  // as long: of each byte, the bits that count
};

enum class Likeness : uint8_t { kOther, kUndecided, kSame };

// `from` bytes of the stream have matched already, and these follow.
Likeness compare(const Beginning& beginning, size_t from, const char* seen, size_t length);

}  // namespace sallyport
