#include "loop_owner.h"

#include "loop.h"

namespace sallyport {
namespace {

constexpr bool isAway(uint32_t moves) { return moves % 2 == 0; }

}  // namespace

LoopOwner::LoopOwner(Loop& loop) : loop_(loop) { loop_.inbox().isElsewhere = false; }

void LoopOwner::acquire() {
  isWanted_ = true;
  loop_.inbox().rouse();
  mutex_.lock();
  isWanted_ = false;
  moves_++;
}

void LoopOwner::release() {
  // Without a leg there is nothing to relay, and nobody else can do the rest: an idle process wakes no second thread for its timers.
  const bool isIdle = loop_.legs.empty();
  moves_++;
  mutex_.unlock();
  if (isIdle || !isAsleep_) return;
  const std::lock_guard<std::mutex> lock(sleep_);
  isAsleep_ = false;
  called_.notify_one();
}

void LoopOwner::runSecondThread() {
  uint32_t seen = moves_;
  std::unique_lock<std::mutex> lock(sleep_);
  while (!isStopped_) {
    called_.wait_for(lock, kPatience, [this] { return isStopped_; });
    const uint32_t moves = moves_;
    if (moves != seen) {
      seen = moves;
    } else if (isAway(moves)) {
      lock.unlock();
      runLoop();
      lock.lock();
    } else {
      sleepUntilMoved(lock, moves);
    }
  }
}

void LoopOwner::runLoop() {
  const std::unique_lock<std::mutex> ownership(mutex_, std::try_to_lock);
  if (!ownership) return;
  loop_.heedHost(false);
  loop_.inbox().isElsewhere = true;
  while (!isWanted_ && !loop_.isStopping()) loop_.turn(kForever);
  loop_.inbox().isElsewhere = false;
  loop_.heedHost(true);
}

void LoopOwner::sleepUntilMoved(std::unique_lock<std::mutex>& lock, uint32_t moves) {
  isAsleep_ = true;
  called_.wait(lock, [this, moves] { return isStopped_ || moves_ != moves; });
  isAsleep_ = false;
}

void LoopOwner::stopSecondThread() {
  const std::lock_guard<std::mutex> lock(sleep_);
  isStopped_ = true;
  called_.notify_one();
}

}  // namespace sallyport
