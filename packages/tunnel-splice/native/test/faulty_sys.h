// The system calls of the tests: the real calls, but some of them fail or are short, at random by a seed.
#pragma once

#include <atomic>
#include <cstdint>

namespace sallyport {

// The calls that can be made to fail once, by number.
enum class Call : uint32_t {
  kNone,
  kReceive,
  kSend,
  kSplice,
  kAccept,
  kDial,
  kWatch,
  kRewatch,
  kUnwatch,
  kOpenPipe,
  kOpenSpare,
  kLocalAddress,
  kPeerAddress,
  kTakeError,
  kSendFin,
  kCountUnacked,
  kCount,
};

// Chances per 10,000 calls. Shared by all threads; each thread has its own random numbers.
struct Faults {
  std::atomic<uint32_t> shortTransfer{0};  // a call moves fewer bytes than it could
  std::atomic<uint32_t> again{0};          // EAGAIN although it could move some
  std::atomic<uint32_t> shortage{0};       // ENOMEM
  std::atomic<uint32_t> broken{0};         // ECONNRESET, EPIPE: the connection is reported lost
  std::atomic<uint32_t> descriptors{0};    // EMFILE from whatever opens a descriptor
  std::atomic<uint64_t> seed{1};
  // The call of this kind that comes after so many others fails once, with this errno.
  std::atomic<Call> failing{Call::kNone};
  std::atomic<int> spared{0};
  std::atomic<int> error{0};
};

extern Faults faults;

}  // namespace sallyport
