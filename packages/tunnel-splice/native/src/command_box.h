// Where JavaScript leaves commands: memory of its own, which we look at when it has nothing to do. So to leave one is no crossing.
//
// The first word counts the words that follow, and is 0 once they are taken. Owner: the JavaScript thread.
#pragma once

#include <cstdint>

#include "engine.h"

class CommandBox {
 public:
  // From here on it is this memory, which stays alive until it is exchanged or nobody collects any more.
  void share(uint32_t* words) { words_ = words; }

  void collect(sallyport::Engine& engine) {
    if (words_ == nullptr || words_[0] == 0) return;
    engine.post(words_ + 1, words_[0]);
    words_[0] = 0;
  }

 private:
  uint32_t* words_ = nullptr;
};
