// All data threads together: start, listen, commands in, events out, stop. Used from the JavaScript thread alone.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "loop.h"
#include "loop_owner.h"
#include "switchboard.h"

namespace sallyport {

struct DoorRequest {
  uint32_t id;  // JavaScript's name for the door
  std::string host;
  uint16_t port;
  int passed;  // a socket that is bound already, and used in place of ones of our own; -1: none
  int thread;  // which has the door to itself; -1: all have it
  Interception interception;
  bool isDualStack;
  bool isBeside;  // a door of ours is in its place, and shares the port
  uint32_t first;  // the id of the first of the doors that serve alike: JavaScript has several where several sockets were passed
};

struct Door {
  int error = 0;  // an errno; what follows holds when it is 0
  AddressText bound{};
  std::vector<int> sockets;  // open until the door is closed
};

class Engine {
 public:
  // `wake` is called when events wait, once until they are taken, on the thread that runs the loop.
  Engine(size_t threads, void (*wake)(void*), void* context);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  // 0 when the threads run, otherwise an errno.
  int start();
  // For a single loop, which the JavaScript thread may run. Null where there are several: each has its own thread.
  LoopOwner* loopOwner() { return loopOwner_.get(); }
  Loop& firstLoop() { return *loops_.front(); }
  // Joins the threads and ends everything that is open. The ends of tunnels can still be drained. Idempotent.
  void halt();
  // Halts, and discards what was not drained. Idempotent.
  void stop();

  // Opens one socket a thread, all on the same port; or lets all threads, or one, use a socket that was passed to us.
  Door listen(const DoorRequest& request);
  // Posts a batch of commands, each to the thread that its second word names.
  void post(uint32_t* records, size_t words);
  // Copies whole event records into `into`; returns the words copied, 0 when none is left.
  size_t drain(uint32_t* into, size_t words);
  // Verdicts of earlier epochs are not repeated any more.
  void beginEpoch(uint32_t epoch) { board_.epoch.store(epoch); }
  void addCounts(uint32_t page, double* pairs) { board_.counts.addPage(page, pairs); }

 private:
  void handOut(const DoorRequest& request, const std::vector<int>& sockets, const SocketAddress& address);

  Switchboard board_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::unique_ptr<LoopOwner> loopOwner_;
  std::vector<std::thread> threads_;
  std::vector<uint32_t> drained_;
  size_t drainedTo_ = 0;
};

}  // namespace sallyport
