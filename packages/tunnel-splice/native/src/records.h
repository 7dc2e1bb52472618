// Writing and reading the records of wire.h. A writer and a reader each belong to one owner; they do no locking.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "wire.h"

namespace sallyport {

constexpr size_t wordsFor(size_t bytes) { return (bytes + 3) / 4; }

// A moment on the monotonic clock.
struct Moment {
  int64_t ns;
};

// How many words an argument of a record is.
template <typename Argument>
inline constexpr size_t kWordsOf = 1;
template <>
inline constexpr size_t kWordsOf<LegId> = 2;
template <>
inline constexpr size_t kWordsOf<Moment> = 2;

// Each writes an argument, and returns where the next one begins.
template <typename Number>
uint32_t* put(uint32_t* at, Number number) {
  at[0] = static_cast<uint32_t>(number);
  return at + 1;
}
inline uint32_t* put(uint32_t* at, LegId leg) {
  at[0] = leg.place;
  at[1] = leg.generation;
  return at + 2;
}
// The upper half first.
inline uint32_t* put(uint32_t* at, Moment moment) {
  at[0] = static_cast<uint32_t>(moment.ns >> 32);
  at[1] = static_cast<uint32_t>(moment.ns);
  return at + 2;
}

// Appends records to a vector whose memory is kept from batch to batch.
class RecordWriter {
 public:
  template <typename... Arguments>
  RecordWriter& begin(uint32_t kind, Arguments... arguments) {
    start_ = words_.size();
    constexpr size_t kHeadWords = 2 + (size_t{0} + ... + kWordsOf<Arguments>);
    uint32_t head[kHeadWords] = {0, kind};
    [[maybe_unused]] uint32_t* at = head + 2;
    ((at = put(at, arguments)), ...);
    words_.insert(words_.end(), head, head + kHeadWords);
    return *this;
  }

  RecordWriter& bytes(const void* from, size_t length) {
    const size_t at = words_.size();
    words_.resize(at + wordsFor(length));
    if (length > 0) memcpy(&words_[at], from, length);
    return *this;
  }

  void end() { words_[start_] = static_cast<uint32_t>(words_.size() - start_); }

  bool empty() const { return words_.empty(); }
  const std::vector<uint32_t>& words() const { return words_; }
  void clear() { words_.clear(); }

 private:
  std::vector<uint32_t> words_;
  size_t start_ = 0;
};

// Reads one record's arguments in order. The records come from our own code, so they are checked only in debug builds.
class RecordReader {
 public:
  explicit RecordReader(uint32_t* record) : record_(record), at_(record + 2) {}

  uint32_t kind() const { return record_[1] & kKindMask; }
  uint32_t size() const { return record_[0]; }
  uint32_t* record() const { return record_; }

  uint32_t word() { return *at_++; }
  LegId leg() {
    const uint32_t place = word();
    return {place, word()};
  }
  const char* bytes(size_t length) {
    const char* start = reinterpret_cast<const char*>(at_);
    at_ += wordsFor(length);
    return start;
  }
  std::string text(size_t length) { return {bytes(length), length}; }

 private:
  uint32_t* record_;
  uint32_t* at_;
};

}  // namespace sallyport
