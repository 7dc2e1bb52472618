// Records on their way between threads: commands to one data thread (its inbox), events to JavaScript (the outbox).
//
// Any thread may post; one thread takes. The receiver is woken once per batch: `isWakeNeeded` is true for the first post after
// a take, and `take` clears that *before* it empties the box, so that a post during the take wakes it again.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

namespace sallyport {

class Mailbox {
 public:
  // Adds the records without waking the receiver.
  void leave(const uint32_t* words, size_t count) {
    const std::lock_guard<std::mutex> guard(mutex_);
    words_.insert(words_.end(), words, words + count);
    waiting_.store(words_.size(), std::memory_order_relaxed);
  }

  // True when the receiver has to be woken.
  bool post(const uint32_t* words, size_t count) {
    leave(words, count);
    return signal();
  }

  // True when the receiver has to be woken for what waits.
  bool signal() { return !isSignalled_.exchange(true); }

  // Whether a sender has called the receiver and nothing was taken since.
  bool isSignalled() const { return isSignalled_.load(); }

  // Moves everything posted into `words`, whose own memory serves the next posts.
  void take(std::vector<uint32_t>& words) {
    words.clear();
    isSignalled_.store(false);
    const std::lock_guard<std::mutex> guard(mutex_);
    words_.swap(words);
    waiting_.store(0, std::memory_order_relaxed);
  }

  // How many words wait, as of a moment ago.
  size_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  std::vector<uint32_t> words_;
  std::atomic<bool> isSignalled_{false};
  std::atomic<size_t> waiting_{0};
};

}  // namespace sallyport
