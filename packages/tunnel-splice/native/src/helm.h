// Decides which thread runs a loop that has no thread of its own: the JavaScript thread whenever it would wait, and a second thread
// (the stand-in) once the JavaScript thread has been busy for longer than kPatience. A tunnel is so set up on one thread, without a
// wake-up, and bytes are relayed although JavaScript is stalled.
//
// The thread that holds the mutex runs the loop and owns it meanwhile. The stand-in releases it after the current turn. It sleeps while
// the JavaScript thread waits in the loop, and checks every kPatience while that thread runs JavaScript.
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
