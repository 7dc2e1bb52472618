#include "timer_wheel.h"

#include <algorithm>

namespace sallyport {

void TimerWheel::schedule(TimerNode& node, int64_t dueMs) {
  cancel(node);
  if (dueMs == kNeverMs) return;
  // Rounded up, so that no deadline fires early.
  const int64_t dueTick = (dueMs + kTickMs - 1) / kTickMs;
  const int64_t tick = std::clamp(dueTick, tick_, tick_ + static_cast<int64_t>(kSlots) - 1);
  TimerNode*& head = slots_[tick % kSlots];
  node.next = head;
  node.link = &head;
  if (head != nullptr) head->link = &node.next;
  head = &node;
  soonest_ = std::min(soonest_, tick);
}

void TimerWheel::cancel(TimerNode& node) {
  if (node.link == nullptr) return;
  *node.link = node.next;
  if (node.next != nullptr) node.next->link = node.link;
  node.link = nullptr;
}

int TimerWheel::sleepMs(int64_t nowMs) {
  if (soonest_ == kNeverMs) return -1;
  const int64_t end = tick_ + static_cast<int64_t>(kSlots);
  soonest_ = std::max(soonest_, tick_);
  while (soonest_ < end && slots_[soonest_ % kSlots] == nullptr) soonest_++;
  if (soonest_ < end) return static_cast<int>(std::max<int64_t>(0, soonest_ * kTickMs - nowMs));
  soonest_ = kNeverMs;
  return -1;
}

TimerNode* TimerWheel::takeDue(int64_t nowMs) {
  const int64_t nowTick = nowMs / kTickMs;
  for (; tick_ <= nowTick; tick_++) {
    TimerNode* node = slots_[tick_ % kSlots];
    if (node == nullptr) continue;
    cancel(*node);
    return node;
  }
  return nullptr;
}

}  // namespace sallyport
