// Decides which thread runs a loop that has no thread of its own: the JavaScript thread whenever it would wait, and a second thread once
// the JavaScript thread has been busy for longer than kPatience. So a tunnel is set up on one thread, without a wake-up, and bytes are
// relayed even while JavaScript is stalled.
//
// The thread that holds the mutex runs the loop and owns it meanwhile. The second thread releases it after the current turn. It sleeps
// while the JavaScript thread waits in the loop or the loop has no leg, and checks every kPatience while that thread runs JavaScript.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace sallyport {

class Loop;

class LoopOwner {
 public:
  explicit LoopOwner(Loop& loop);

  // Called by the JavaScript thread when it is free: only it runs the loop, until `release`.
  void acquire();
  void release();

  // The body of the second thread.
  void runSecondThread();
  // Ends that thread. Called by the JavaScript thread after `release`, once the loop was asked to stop.
  void stopSecondThread();

 private:
  static constexpr std::chrono::milliseconds kPatience{10};

  void runLoop();
  void sleepUntilMoved(std::unique_lock<std::mutex>& lock, uint32_t moves);

  Loop& loop_;
  std::mutex mutex_;
  std::atomic<uint32_t> moves_{0};  // odd while the JavaScript thread owns the loop; counted up by each acquire and release
  std::atomic<bool> isWanted_{false};

  std::mutex sleep_;
  std::condition_variable called_;
  std::atomic<bool> isAsleep_{false};  // the second thread, until the next move
  bool isStopped_ = false;             // guarded by sleep_
};

}  // namespace sallyport
