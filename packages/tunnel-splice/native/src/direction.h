// One direction of a tunnel: how much of what one leg sends has been relayed. It is stored in that leg while it is spliced.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "pipe_pool.h"

namespace sallyport {

struct Direction {
  Pipe* pipe = nullptr;     // its own, only while bytes lie in it; given back by `releasePipe`
  uint64_t relayed = 0;     // handed to the kernel of the other leg
  uint32_t burst = 0;       // moved without a pause, by and large (kLargePieceBytes)
  uint32_t awaited = 0;     // read before the splice, on their way back from JavaScript
  // Modulo 2^32: a silence of 49 days may look like none, which only keeps a burst.
  uint32_t lastReadMs = 0;
  bool hasRead = false;     // since the tunnel has last looked
  bool isStopped = false;   // read no more: the tunnel has been given up
  bool isOver = false;      // everything was sent, and so was the FIN
};

inline void releasePipe(Direction& direction, PipePool& pipes) {
  if (direction.pipe != nullptr) pipes.giveBack(std::unique_ptr<Pipe>(std::exchange(direction.pipe, nullptr)));
}

}  // namespace sallyport
