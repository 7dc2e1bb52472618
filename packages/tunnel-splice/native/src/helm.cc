#include "helm.h"

#include "loop.h"

namespace sallyport {
namespace {

constexpr bool isAway(uint32_t moves) { return moves % 2 == 0; }

}  // namespace

Helm::Helm(Loop& loop) : loop_(loop) { loop_.inbox().isElsewhere = false; }

void Helm::take() {
  isWanted_ = true;
  loop_.inbox().rouse();
  mutex_.lock();
  isWanted_ = false;
  moves_++;
}

void Helm::leave() {
  moves_++;
  mutex_.unlock();
  if (!isAsleep_) return;
  const std::lock_guard<std::mutex> lock(sleep_);
  isAsleep_ = false;
  called_.notify_one();
}

void Helm::standIn() {
  uint32_t seen = moves_;
  std::unique_lock<std::mutex> lock(sleep_);
  while (!isDismissed_) {
    called_.wait_for(lock, kPatience, [this] { return isDismissed_; });
    const uint32_t moves = moves_;
    if (moves != seen) {
      seen = moves;
    } else if (isAway(moves)) {
      lock.unlock();
      relieve();
      lock.lock();
    } else {
      sleepUntilMoved(lock, moves);
    }
  }
}

void Helm::relieve() {
  const std::unique_lock<std::mutex> helm(mutex_, std::try_to_lock);
  if (!helm) return;
  loop_.heedHost(false);
  loop_.inbox().isElsewhere = true;
  while (!isWanted_ && !loop_.isStopping()) loop_.turn(kForever);
  loop_.inbox().isElsewhere = false;
  loop_.heedHost(true);
}

void Helm::sleepUntilMoved(std::unique_lock<std::mutex>& lock, uint32_t moves) {
  isAsleep_ = true;
  called_.wait(lock, [this, moves] { return isDismissed_ || moves_ != moves; });
  isAsleep_ = false;
}

void Helm::dismiss() {
  const std::lock_guard<std::mutex> lock(sleep_);
  isDismissed_ = true;
  called_.notify_one();
}

}  // namespace sallyport
