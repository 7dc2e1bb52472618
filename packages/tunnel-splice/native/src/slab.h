// Room for objects of one kind, in chunks that never move: each costs its own size, with no header and no table of pointers,
// and may be pointed to by epoll, by timers and by its like for as long as it lives.
//
// Owner: one data thread. Every item is built with its chunk, and goes from life to life: `take` hands out one as its last
// life left it, and what a new life needs is the caller's to set. An item that is retired is not taken again before `bury`, at
// the end of the epoll batch: an event for it may still wait in that batch. Between two lives `nextFree` chains it to others.
// Chunks are kept to the end: what one crowd has needed will serve the next.
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

  // How many items were ever taken, and each of them by number: in the order in which they first were.
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
