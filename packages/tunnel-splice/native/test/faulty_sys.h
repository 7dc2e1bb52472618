// The system-call seam of the tests: the real calls, but some of them fail or fall short, by a seeded dice.
#pragma once

#include <atomic>
#include <cstdint>

namespace sallyport {

// Chances per 10,000 calls. Shared by all threads; each thread throws its own dice.
struct Faults {
  std::atomic<uint32_t> shortTransfer{0};  // a call moves fewer bytes than it could
  std::atomic<uint32_t> again{0};          // EAGAIN although it could move some
  std::atomic<uint32_t> shortage{0};       // ENOMEM
  std::atomic<uint32_t> broken{0};         // ECONNRESET, EPIPE: the connection is reported lost
  std::atomic<uint32_t> descriptors{0};    // EMFILE from whatever opens a descriptor
  std::atomic<uint64_t> seed{1};
};

extern Faults faults;

}  // namespace sallyport
