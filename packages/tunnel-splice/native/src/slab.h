// Memory for objects of one kind, in chunks that never move. An item costs its own size, with no header and no table of pointers, and
// epoll, timers and other items may point to it while it is in use.
//
// Owner: one data thread. Every item is constructed with its chunk, and is used again and again: `take` returns it as its last user left
// it, and the caller sets what it needs. A retired item is not taken again before `bury`, at the end of the epoll batch: an event for it
// may still wait in that batch. Between two uses `nextFree` chains it to others. Chunks are kept to the end, for the next peak.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace sallyport {

template <typename Item>
class Slab {
 public:
  Item& take() {
    if (free_ == nullptr) return grow();
    Item& item = *free_;
    free_ = item.nextFree;
    return item;
  }

  void retire(Item& item) {
    item.nextFree = retired_;
    retired_ = &item;
  }

  void bury() {
    while (retired_ != nullptr) {
      Item& item = *retired_;
      retired_ = item.nextFree;
      item.nextFree = free_;
      free_ = &item;
    }
  }

  // How many items were ever taken. Each can be reached by number, in the order in which they were first taken.
  uint32_t size() const { return size_; }
  Item& operator[](uint32_t index) { return chunks_[index / kItemsPerChunk]->items[index % kItemsPerChunk]; }

 private:
  // Some 16 KiB a chunk: little for a proxy with few tunnels, and one allocation for many.
  static constexpr uint32_t kItemsPerChunk = 256;
  struct Chunk {
    Item items[kItemsPerChunk];
  };

  Item& grow() {
    if (size_ % kItemsPerChunk == 0) chunks_.push_back(std::make_unique<Chunk>());
    return (*this)[size_++];
  }

  std::vector<std::unique_ptr<Chunk>> chunks_;
  uint32_t size_ = 0;
  Item* free_ = nullptr;
  Item* retired_ = nullptr;
};

}  // namespace sallyport
