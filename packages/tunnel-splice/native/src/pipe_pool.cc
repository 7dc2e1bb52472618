#include "pipe_pool.h"

#include "sys.h"

namespace sallyport {
namespace {
// After the kernel refused a pipe: asking at every read would cost more than copying does.
constexpr int64_t kRetryMs = 1'000;
}  // namespace

PipePool::~PipePool() {
  for (auto& pipe : idle_) destroy(*pipe);
}

std::unique_ptr<Pipe> PipePool::take(int64_t nowMs) {
  if (cap_ == 0) return nullptr;
  if (!idle_.empty()) {
    auto pipe = std::move(idle_.back());
    idle_.pop_back();
    return pipe;
  }
  if (open_ >= cap_ || nowMs < retryAtMs_) return nullptr;
  auto pipe = std::make_unique<Pipe>();
  if (sys::openPipe(pipe->ends, kPipeBytes) < 0) {
    retryAtMs_ = nowMs + kRetryMs;
    return nullptr;
  }
  open_++;
  return pipe;
}

void PipePool::giveBack(std::unique_ptr<Pipe> pipe) {
  if (pipe->held == 0 && cap_ > 0) idle_.push_back(std::move(pipe));
  else destroy(*pipe);
}

void PipePool::destroy(Pipe& pipe) {
  sys::close(pipe.ends[0]);
  sys::close(pipe.ends[1]);
  open_--;
}

}  // namespace sallyport
