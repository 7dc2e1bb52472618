// One epoll, its legs and tunnels, its timers. Everything in here belongs to the thread that turns the loop: a data thread of its
// own, or the one that holds the helm (helm.h).
//
// A turn: wait; obey commands; go on with tunnels whose turn was used up; act on every event, then on deadlines; hand legs to
// other threads; hand the turn's events to JavaScript as one batch; free what was closed. Commands come before events, so that
// whoever was cut first was cut first; legs leave after them, since an event of the batch may point to one.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "arrivals.h"
#include "dial.h"
#include "leg_table.h"
#include "listener.h"
#include "pipe_pool.h"
#include "promise.h"
#include "records.h"
#include "relay.h"
#include "slab.h"
#include "switchboard.h"
#include "timer_wheel.h"
#include "tunnel.h"

namespace sallyport {

// To wait for as long as it takes.
constexpr int kForever = -1;

class Loop {
 public:
  Loop(uint32_t thread, Switchboard& board, size_t pipes);
  ~Loop();

  // The reason why the thread cannot run, as a negated errno; 0 when it can. Called once, before `run`.
  int open();
  // Turns until `requestStop`.
  void run();
  // One turn, which waits for the first event for so long at most, or kForever.
  void turn(int patienceMs);
  // From any thread.
  void requestStop();
  bool isStopping() const { return isStopping_.load(std::memory_order_acquire); }
  // When nobody turns it any more: obeys what it was told before, and passes on what is for other loops.
  void obeyLast();
  // Then: tells of the tunnels that end by it, for JavaScript to find.
  void closeEverything();

  // The descriptor by which the event loop of the JavaScript thread says that it has something to do, for `isHostCalled` to tell.
  // Only that thread needs to hear of it, so a stand-in heeds it not. 0, or a negated errno.
  int setHost(int fd);
  void heedHost(bool isHeeded);

  const uint32_t thread;
  Switchboard& board;
  int64_t nowMs;
  int64_t nowNs;
  TimerWheel wheel;
  PipePool pipes;
  LegTable legs;
  Slab<Tunnel> tunnels;
  RecordWriter events;       // of this turn
  bool hasUrgentEvents = false;  // JavaScript is woken for them; the others wait for the next that are, kQuietMs at most
  std::unordered_map<uint32_t, DialUnderWay> dials;  // by token
  std::unordered_map<uint32_t, Promise> promises;    // by the client's place
  std::vector<Beginning> beginnings;                 // by number, from 1 on
  Arrivals arrivals;
  std::map<uint32_t, std::unique_ptr<Listener>> listeners;
  std::unique_ptr<char[]> buffer;
  int spare = -1;             // given up for a moment to get rid of a client when there are no descriptors left
  size_t lingering = 0;
  int64_t complainAgainAtMs = 0;
  int lastComplaint = 0;
  bool isHostCalled = false;

  Inbox& inbox() { return board.inboxes[thread]; }

  RelayTools tools() { return {pipes, buffer.get(), nowMs}; }
  // When onLegDeadline is to be called for a leg that is not spliced; kNever takes the deadline from it.
  void setDeadline(Leg& leg, uint32_t spanMs);
  // Zero, or a negated errno.
  int watch(Leg& leg);
  // Something waits in `leg` for its peer, perhaps: an event will say when there is room. False: none will.
  bool awaitRoom(Leg& leg);
  // Several threads may wait at one socket, where it was passed to us: one of them is enough for a client.
  int watch(Listener& listener) {
    return sys::watch(epoll_, listener.fd, EPOLLIN | EPOLLEXCLUSIVE, static_cast<Watched*>(&listener));
  }
  void unwatch(int fd) { sys::unwatch(epoll_, fd); }

  // To be gone on with at the next turn, without waiting for an event.
  void goOnWith(Tunnel& tunnel) { ready_.push_back(&tunnel); }
  // Begins an event that JavaScript is woken for.
  template <typename... Arguments>
  RecordWriter& tell(uint32_t kind, Arguments... arguments) {
    hasUrgentEvents = true;
    return events.begin(kind, arguments...);
  }
  // A command for another thread, to be passed on when this batch of events is done.
  void postpone(uint32_t* record) { postponed_.push_back(record); }
  // Kept until the end of the current batch, whose events may still point to it.
  void retire(Tunnel& tunnel);
  void retire(std::unique_ptr<Listener> listener);

 private:
  void readClock();
  void dispatch(Watched& watched, uint32_t readiness);
  void obeyCommands();
  void passCommandsOn();
  void fireTimers();
  void fire(TimerNode& node);
  void goOn();
  int sleepMs(int patienceMs);
  void publishEvents();

  int epoll_ = -1;
  int64_t fetchAtMs_ = TimerWheel::kNeverMs;  // by when JavaScript is to fetch what it was not woken for
  std::atomic<bool> isStopping_{false};
  Watched wakeup_{WatchedKind::kWakeup};
  Watched host_{WatchedKind::kHost};
  int hostFd_ = -1;
  std::vector<Tunnel*> ready_;
  std::vector<Tunnel*> goingOn_;
  std::vector<uint32_t> commands_;
  std::vector<uint32_t*> postponed_;  // into commands_
  std::vector<std::unique_ptr<Listener>> retiredListeners_;
};

// What an event or a deadline means to a leg depends on its state; these are the answers of each.
void onLegEvent(Loop& loop, Leg& leg);
void onLegDeadline(Loop& loop, Leg& leg);

}  // namespace sallyport
