// The pipes through which bulk flows are spliced, pooled per data thread.
//
// Only an empty pipe is returned to the pool. One that holds bytes is closed, or they would appear in another tunnel. A tunnel has a pipe
// only while bytes lie in it, so a few pipes serve many bulk flows. The limit keeps a user without CAP_SYS_RESOURCE below 64 MiB of pipe
// pages, above which the kernel gives pipes of two pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sallyport {

struct Pipe {
  int ends[2];
  size_t held = 0;
};

class PipePool {
 public:
  // 256 KiB gives most of the gain, 64 KiB none.
  static constexpr size_t kPipeBytes = 1024 * 1024;
  static constexpr size_t kPipesOfProcess = 32;

  explicit PipePool(size_t cap) : cap_(cap) {}
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;
  ~PipePool();

  // Null when the limit is reached or the kernel gives none: then bytes are copied.
  std::unique_ptr<Pipe> take(int64_t nowMs);
  void giveBack(std::unique_ptr<Pipe> pipe);
  // splice(2) does not work here (a sandbox may forbid it): no pipe is given any more.
  void disable() { cap_ = 0; }

 private:
  void destroy(Pipe& pipe);

  size_t cap_;
  size_t open_ = 0;
  int64_t retryAtMs_ = 0;
  std::vector<std::unique_ptr<Pipe>> idle_;
};

}  // namespace sallyport
