// Things by a small number each: a leg's place in its table, a dial's token. In place of a hash table where things come and go with
// every tunnel: no allocation, no hashing, and their memory is used again.
//
// Owner: one data thread. A thing has its address until it is erased.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace sallyport {

template <typename Thing>
class ByIndex {
 public:
  // A new one, in place of the one that was there.
  Thing& make(uint32_t index) {
    erase(index);
    if (index >= slots_.size()) slots_.resize(index + 1, kNone);
    if (free_.empty()) {
      free_.push_back(static_cast<uint32_t>(things_.size()));
      things_.push_back(std::make_unique<Thing>());
    }
    slots_[index] = free_.back();
    free_.pop_back();
    return at(index);
  }

  // There is one.
  Thing& at(uint32_t index) { return *things_[slots_[index]]; }

  // Null where there is none.
  Thing* find(uint32_t index) { return index < slots_.size() && slots_[index] != kNone ? &at(index) : nullptr; }

  // None may come or go meanwhile.
  template <typename Visit>
  void forEach(Visit visit) {
    if (free_.size() == things_.size()) return;
    for (const uint32_t slot : slots_) {
      if (slot != kNone) visit(*things_[slot]);
    }
  }

  void erase(uint32_t index) {
    Thing* thing = find(index);
    if (thing == nullptr) return;
    *thing = Thing{};
    free_.push_back(slots_[index]);
    slots_[index] = kNone;
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  std::vector<uint32_t> slots_;  // which of the things each index has
  std::vector<std::unique_ptr<Thing>> things_;
  std::vector<uint32_t> free_;
};

}  // namespace sallyport
