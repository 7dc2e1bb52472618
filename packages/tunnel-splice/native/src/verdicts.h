// What JavaScript has decided for one client, to be repeated for every client like it: an exact-match cache before the code that decides.
//
// Two clients are alike where they came to the same listener from the same host and their first bytes are the same, outside of what a mask
// leaves out. Here bytes are compared, never parsed. A verdict holds for a short while and for a number of tunnels. Then, and wherever no
// verdict fits, JavaScript decides as for any client.
//
// Owner: one data thread. Each has its own, and JavaScript gives each its share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "address.h"
#include "beginning.h"
#include "tunnel.h"

namespace sallyport {

class Loop;
class RecordReader;
struct Arrival;

// Where the bytes stand that differ in every client, and are told to JavaScript; no length: there are none.
struct Nonce {
  uint32_t at;
  uint32_t length;
};

struct Verdict {
  uint32_t id;  // JavaScript's name for it
  uint32_t epoch;
  uint32_t listener;
  HostKey client;
  Beginning opening;  // all that the client sends first
  Nonce nonce;
  std::string lastNonce;  // a hello that comes twice in a row may be in a loop, and is JavaScript's to judge
  int64_t begunAtMs;
  int64_t endsAtMs;
  uint32_t left;      // for so many more tunnels
  uint32_t half;      // JavaScript gives the next verdict once so many are up
  uint32_t made = 0;  // so many are
  std::string host;
  uint16_t port;
  std::string source;  // empty: the kernel's choice
  uint32_t dialMs;
  TunnelLimits limits;  // without the index
  uint32_t guard;
  uint32_t answerMs;
  std::string reply;
  bool isSentUp;  // the opening
  bool wasNoGood = false;  // a dial by it has come to something else than a tunnel
};

class Verdicts {
 public:
  void remember(Loop& loop, RecordReader& command);
  // Numbers for the tunnels to come.
  void spare(RecordReader& command);
  void giveBack(uint32_t tunnel) { spares_.push_back(tunnel); }

  // The verdict for a client that has sent these bytes, and the number of its tunnel; null where it is JavaScript's to decide. Counts it.
  // JavaScript is told that a verdict is forgotten once nobody holds it any more.
  std::shared_ptr<Verdict> take(Loop& loop, const Arrival& client, const char* bytes, size_t length, int64_t nowMs,
                                uint32_t& tunnel);
  // It was no good.
  void forget(Verdict& verdict);
  void forgetAll();
  bool empty() const { return count_ == 0; }
  // When `sweep` is due where nothing else happens, so that JavaScript hears of the end of a verdict.
  int64_t dueMs() const { return count_ == 0 ? TimerWheel::kNeverMs : sweepAtMs_ + kSweepLateMs; }
  // Forgets those that hold no more.
  void sweep(int64_t nowMs);

 private:
  using Bucket = std::vector<std::shared_ptr<Verdict>>;
  static constexpr size_t kBuckets = 256;
  // The loop does not wake up for each.
  static constexpr int64_t kSweepLateMs = 250;

  Bucket& bucketOf(uint32_t listener, const HostKey& client, size_t length);
  void erase(Bucket& bucket, size_t at);

  Bucket buckets_[kBuckets];
  size_t count_ = 0;
  std::vector<uint32_t> spares_;
  int64_t sweepAtMs_ = TimerWheel::kNeverMs;  // the end of the first that ends
};

}  // namespace sallyport
