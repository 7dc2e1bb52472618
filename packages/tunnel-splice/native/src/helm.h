// Who turns a loop that has no thread to itself: the JavaScript thread whenever it has nothing else to do, and a stand-in once that
// has been away for longer than kPatience. So a tunnel is set up on one thread, with no hand-over and no wake-up, and bytes are
// relayed all the same while JavaScript is stalled.
//
// Whoever has the helm has the mutex, and the loop is that thread's meanwhile. The stand-in gives it back after the turn it is at.
// It sleeps while JavaScript stays at home, and looks after it every kPatience while it comes and goes.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace sallyport {

class Loop;

class Helm {
 public:
  explicit Helm(Loop& loop);

  // The JavaScript thread is free: it turns the loop, and nobody else does, until it leaves.
  void take();
  void leave();

  // The stand-in's whole life, on a thread of its own.
  void standIn();
  // Ends it, from the JavaScript thread while that is away from the helm, once the loop was asked to stop.
  void dismiss();

 private:
  static constexpr std::chrono::milliseconds kPatience{10};

  void relieve();
  void sleepUntilMoved(std::unique_lock<std::mutex>& lock, uint32_t moves);

  Loop& loop_;
  std::mutex mutex_;
  std::atomic<uint32_t> moves_{0};  // of the JavaScript thread: to the helm when it becomes odd, away from it when even
  std::atomic<bool> isWanted_{false};

  std::mutex sleep_;
  std::condition_variable called_;
  std::atomic<bool> isAsleep_{false};  // the stand-in, until the next move
  bool isDismissed_ = false;           // guarded by sleep_
};

}  // namespace sallyport
