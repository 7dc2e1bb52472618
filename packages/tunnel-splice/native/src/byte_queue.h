// Bytes that wait until a peer takes them: replies JavaScript wrote, bytes read before the splice, the rest of a short write.
//
// An empty queue is one null pointer, as in every tunnel that is not blocked. Its owner bounds it: a relay reads nothing more while
// something waits here. The first bytes may be uncounted: replies are not part of what a tunnel relayed.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace sallyport {

class ByteQueue {
 public:
  ByteQueue() = default;
  ByteQueue(ByteQueue&& from) noexcept : block_(std::exchange(from.block_, nullptr)) {}
  ByteQueue& operator=(ByteQueue&& from) noexcept {
    std::swap(block_, from.block_);
    return *this;
  }
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;
  ~ByteQueue() { clear(); }

  bool empty() const { return block_ == nullptr; }
  const char* data() const { return block_ == nullptr ? nullptr : block_->bytes() + block_->begin; }
  size_t size() const { return block_ == nullptr ? 0 : block_->end - block_->begin; }

  void append(const char* from, size_t length) {
    if (length == 0) return;
    const size_t kept = size();
    auto* grown = static_cast<Block*>(malloc(sizeof(Block) + kept + length));
    if (grown == nullptr) abort();
    *grown = {0, kept + length, block_ == nullptr ? 0 : block_->uncounted};
    if (kept > 0) memcpy(grown->bytes(), data(), kept);
    memcpy(grown->bytes() + kept, from, length);
    free(block_);
    block_ = grown;
  }

  // The bytes that wait now will not count as relayed.
  void discountAll() {
    if (block_ != nullptr) block_->uncounted = size();
  }

  // Removes the first `length` bytes, which were sent. Returns how many of them count as relayed.
  size_t consume(size_t length) {
    const size_t uncounted = length < block_->uncounted ? length : block_->uncounted;
    block_->uncounted -= uncounted;
    block_->begin += length;
    if (block_->begin == block_->end) clear();
    return length - uncounted;
  }

  void clear() {
    free(block_);
    block_ = nullptr;
  }

 private:
  struct Block {
    size_t begin;
    size_t end;
    size_t uncounted;
    char* bytes() { return reinterpret_cast<char*>(this + 1); }
  };

  Block* block_ = nullptr;
};

}  // namespace sallyport
