// One coarse timer wheel per data thread, for every deadline of its legs, tunnels and listeners.
//
// A node is moved only when its slot is due, never per packet. Its owner then checks the time of its last activity, and either acts or
// schedules the node again. So a node may fire early (there was activity, or the deadline lies beyond the wheel's range), and fires at
// most one tick late. A node is part of its owner, lies in at most one slot, and is removed in constant time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sallyport {

// What a node is part of, so that the loop can call its owner.
enum class TimerOwner : uint8_t { kLeg, kTunnel, kListener };

struct TimerNode {
  explicit TimerNode(TimerOwner kind) : owner(kind) {}

  TimerNode* next = nullptr;
  // The pointer that points here; null when not scheduled.
  TimerNode** link = nullptr;
  const TimerOwner owner;
};

class TimerWheel {
 public:
  static constexpr int64_t kTickMs = 25;
  static constexpr int64_t kNeverMs = INT64_MAX;

  explicit TimerWheel(int64_t nowMs) : tick_(nowMs / kTickMs) {}

  void schedule(TimerNode& node, int64_t dueMs);
  static void cancel(TimerNode& node);

  // How long the thread may sleep: until the first slot in use, -1 when there is none.
  int sleepMs(int64_t nowMs);

  // Takes out one node whose slot is due; null when there is none left. The caller acts on it and may schedule it again.
  TimerNode* takeDue(int64_t nowMs);

 private:
  static constexpr size_t kSlots = 512;  // 12.8 s ahead; an idle tunnel is looked at that often

  TimerNode* slots_[kSlots] = {};
  int64_t tick_;               // everything before it was taken
  int64_t soonest_ = kNeverMs; // no slot in use before this tick; kNeverMs: none at all
};

}  // namespace sallyport
