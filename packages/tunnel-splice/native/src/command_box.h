// Memory in which JavaScript writes commands. It is read when JavaScript has nothing to do, so a command costs no call into native code.
//
// The first word counts the words that follow, and is 0 once they are taken. Owner: the JavaScript thread.
#pragma once

#include <cstdint>

#include "engine.h"

class CommandBox {
 public:
  // Sets the memory. It must stay alive until it is replaced, or until commands are no longer collected.
  void share(uint32_t* words) { words_ = words; }

  void collect(sallyport::Engine& engine) {
    if (words_ == nullptr || words_[0] == 0) return;
    engine.post(words_ + 1, words_[0]);
    words_[0] = 0;
  }

 private:
  uint32_t* words_ = nullptr;
};
