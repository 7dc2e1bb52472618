#include "beginning.h"

#include <algorithm>

namespace sallyport {

Likeness compare(const Beginning& beginning, size_t from, const char* seen, size_t length) {
  const size_t end = std::min(beginning.bytes.size(), from + length);
  for (size_t at = from; at < end; at++) {
    if (((beginning.bytes[at] ^ seen[at - from]) & beginning.mask[at]) != 0) return Likeness::kOther;
  }
  return end == beginning.bytes.size() ? Likeness::kSame : Likeness::kUndecided;
}

}  // namespace sallyport
