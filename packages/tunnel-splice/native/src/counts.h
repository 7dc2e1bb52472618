// The live byte counts of all tunnels: pages of doubles that JavaScript allocated and reads at any time, without a call.
//
// JavaScript gives a tunnel its index, which is used for it alone until its end was reported: [up, down] lie at 2 * index. One data
// thread writes a pair. JavaScript reads it, perhaps a moment late, but never half-written (aligned 8-byte stores).
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

namespace sallyport {

class Counts {
 public:
  static constexpr uint32_t kTunnelsPerPage = 4096;
  static constexpr uint32_t kPages = 1024;

  // Called before the first tunnel of that page is spliced. The page stays until the end.
  void addPage(uint32_t page, double* pairs) { pages_[page].store(pairs, std::memory_order_release); }

  void store(uint32_t tunnel, uint64_t up, uint64_t down) {
    double* pair = pages_[tunnel / kTunnelsPerPage].load(std::memory_order_acquire) + 2 * (tunnel % kTunnelsPerPage);
    storeRelaxed(pair, up);
    storeRelaxed(pair + 1, down);
  }

 private:
  static void storeRelaxed(double* at, uint64_t count) {
    const auto value = static_cast<double>(count);
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    __atomic_store_n(reinterpret_cast<uint64_t*>(at), bits, __ATOMIC_RELAXED);
  }

  std::atomic<double*> pages_[kPages] = {};
};

}  // namespace sallyport
