#include "beginning.h"

#include <algorithm>
#include <cstring>

namespace sallyport {
namespace {

uint64_t wordAt(const char* bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof(word));
  return word;
}

}  // namespace

Likeness compare(const Beginning& beginning, size_t from, const char* seen, size_t length) {
  const size_t end = std::min(beginning.bytes.size(), from + length);
  size_t at = from;
  for (; at + sizeof(uint64_t) <= end; at += sizeof(uint64_t)) {
    if (((wordAt(&beginning.bytes[at]) ^ wordAt(seen + at - from)) & wordAt(&beginning.mask[at])) != 0) return Likeness::kOther;
  }
  for (; at < end; at++) {
    if (((beginning.bytes[at] ^ seen[at - from]) & beginning.mask[at]) != 0) return Likeness::kOther;
  }
  return end == beginning.bytes.size() ? Likeness::kSame : Likeness::kUndecided;
}

}  // namespace sallyport
