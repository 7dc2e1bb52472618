// One epoll, its legs and tunnels, its timers. Everything in here belongs to the thread that runs the loop: a data thread of its own, or
// the one that owns it at the moment (loop_owner.h).
//
// A turn: wait; execute commands; continue tunnels whose share of the last turn was used up; handle every event, then deadlines; hand
// legs to other threads; hand the turn's events to JavaScript as one batch; free what was closed. Commands come before events, so that a
// cut is the first cause. Legs leave after events, since an event of the batch may point to one.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <vector>

#include "arrivals.h"
#include "by_index.h"
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
#include "verdicts.h"

namespace sallyport {

// Waits without a limit.
constexpr int kForever = -1;

// How late JavaScript may hear of an event. Waking it for each costs more than what it then does.
constexpr int64_t kSoonMs = 10;
constexpr int64_t kLateMs = 250;

// How soon JavaScript has to hear of an event: within `kLateMs` while others come; within `kSoonMs`; by being woken.
enum class Haste : uint8_t { kLate, kSoon, kAtOnce };

class Loop {
 public:
  Loop(uint32_t thread, Switchboard& board, size_t pipes);
  ~Loop();

  // Returns why the thread cannot run, as a negated errno; 0 when it can. Called once, before `run`.
  int open();
  // Runs turns until `requestStop`.
  void run();
  // One turn. It waits for the first event for so long at most, or kForever.
  void turn(int patienceMs);
  // From any thread.
  void requestStop();
  bool isStopping() const { return isStopping_.load(std::memory_order_acquire); }
  // Once no thread runs it any more: executes the commands left, and passes on those for other loops.
  void obeyLast();
  // After that: reports the tunnels that end by it.
  void closeEverything();

  // The descriptor by which the JavaScript thread's event loop shows that it has work, for `isHostCalled`. Only that thread needs it, so
  // the second thread ignores it. 0, or a negated errno.
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
  RecordWriter events;       // of this turn; `tell` begins them
  ByIndex<DialUnderWay> dials;            // by token
  ByIndex<DialUnderWay> repeats;          // those by a verdict, by the number of their tunnel
  ByIndex<Promise> promises;              // by the client's place in its table
  std::vector<Beginning> beginnings;                 // by number, from 1 on
  Arrivals arrivals;
  Verdicts verdicts;
  Leg* unwatched = nullptr;   // a client that is welcomed at the moment, and not watched yet
  std::map<uint32_t, std::unique_ptr<Listener>> listeners;
  std::unique_ptr<char[]> buffer;
  int spare = -1;             // given up for a moment to get rid of a client when there are no descriptors left
  size_t lingering = 0;
  int64_t complainAgainAtMs = 0;
  int lastComplaint = 0;
  bool isHostCalled = false;

  DialUnderWay& beginDial(const Leg& leg) { return dialsOf(leg).make(leg.unspliced.dialToken & ~kByVerdict); }
  DialUnderWay& dialOf(const Leg& leg) { return dialsOf(leg).at(leg.unspliced.dialToken & ~kByVerdict); }
  void endDial(const Leg& leg) { dialsOf(leg).erase(leg.unspliced.dialToken & ~kByVerdict); }

  Inbox& inbox() { return board.inboxes[thread]; }

  RelayTools tools() { return {pipes, buffer.get(), nowMs}; }
  // When onLegDeadline is to be called for a leg that is not spliced. kNever removes the deadline.
  void setDeadline(Leg& leg, uint32_t spanMs);
  // Zero, or a negated errno.
  int watch(Leg& leg);
  // Something may wait in `leg` for its peer: an event will report when there is room. False: there will be none.
  bool awaitRoom(Leg& leg);
  // Several threads may wait at one socket that was passed to us. One of them is enough for a client.
  int watch(Listener& listener) {
    return sys::watch(epoll_, listener.fd, EPOLLIN | EPOLLEXCLUSIVE, static_cast<Watched*>(&listener));
  }
  void unwatch(int fd) { sys::unwatch(epoll_, fd); }

  // Continues it at the next turn, without waiting for an event.
  void goOnWith(Tunnel& tunnel) { ready_.push_back(&tunnel); }
  // Begins an event. JavaScript hears of it with all that were begun before.
  template <typename... Arguments>
  RecordWriter& tell(Haste haste, uint32_t kind, Arguments... arguments) {
    haste_ = std::max(haste_, haste);
    return events.begin(kind, arguments...);
  }
  template <typename... Arguments>
  RecordWriter& tell(uint32_t kind, Arguments... arguments) {
    return tell(Haste::kAtOnce, kind, arguments...);
  }
  // JavaScript hears at the end of this turn of whatever was left for it.
  void tellAtOnce() { tellAtMs_ = nowMs; }
  // A command for another thread, to be passed on when this batch of events is done.
  void postpone(uint32_t* record) { postponed_.push_back(record); }
  // Kept until the end of the current batch, whose events may still point to it.
  void retire(Tunnel& tunnel);
  void retire(std::unique_ptr<Listener> listener);

 private:
  ByIndex<DialUnderWay>& dialsOf(const Leg& leg) { return isRepeated(leg.unspliced.dialToken) ? repeats : dials; }
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
  Haste haste_ = Haste::kLate;                // of the events of this turn
  int64_t tellAtMs_ = TimerWheel::kNeverMs;   // by then JavaScript is to hear of what was left for it
  int64_t quietAtMs_ = TimerWheel::kNeverMs;  // the same, where nothing comes meanwhile
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

// What an event or a deadline does to a leg depends on its state.
void onLegEvent(Loop& loop, Leg& leg);
void onLegDeadline(Loop& loop, Leg& leg);

}  // namespace sallyport
