#include "loop.h"

#include <algorithm>
#include <cerrno>

#include "closing.h"
#include "commands.h"
#include "dial.h"
#include "held.h"

namespace sallyport {
namespace {
constexpr int kEventsPerTurn = 256;
// Some 130 tunnels' beginnings and ends. JavaScript is not left more than that to do at once.
constexpr size_t kManyWords = 4'096;

// An RST was to come behind what its peer still has to read: a FIN would make that look complete.
bool isToBeReset(const Leg& leg) {
  return leg.state == LegState::kResetting || (leg.state == LegState::kSpliced && leg.spliced.tunnel->isLosing);
}

int64_t latenessMs(Haste haste) { return haste == Haste::kAtOnce ? 0 : haste == Haste::kSoon ? kSoonMs : kLateMs; }

// The shorter of two spans, either of which may be kForever.
int sooner(int aMs, int bMs) { return aMs < 0 ? bMs : bMs < 0 ? aMs : std::min(aMs, bMs); }

}  // namespace

Loop::Loop(uint32_t number, Switchboard& switchboard, size_t pipeCap)
    : thread(number),
      board(switchboard),
      nowMs(sys::monotonicNs() / 1'000'000),
      nowNs(0),
      wheel(nowMs),
      pipes(pipeCap),
      legs(number),
      buffer(new char[kCopyBytes]) {}

Loop::~Loop() {
  if (spare >= 0) sys::close(spare);
  if (epoll_ >= 0) sys::close(epoll_);
  if (inbox().wakeup >= 0) sys::close(inbox().wakeup);
}

int Loop::open() {
  spare = sys::openSpare();
  if (spare < 0) return spare;
  epoll_ = sys::openEpoll();
  if (epoll_ < 0) return epoll_;
  const int wakeup = sys::openWakeup();
  if (wakeup < 0) return wakeup;
  inbox().wakeup = wakeup;
  // Edge-triggered: each write is an edge, so the counter is never read.
  return sys::watch(epoll_, wakeup, EPOLLIN | EPOLLET, &wakeup_);
}

void Loop::run() {
  while (!isStopping()) turn(kForever);
}

void Loop::requestStop() {
  isStopping_.store(true, std::memory_order_release);
  sys::wake(inbox().wakeup);
}

int Loop::setHost(int fd) {
  hostFd_ = fd;
  return sys::watch(epoll_, fd, EPOLLIN, &host_);
}

void Loop::heedHost(bool isHeeded) {
  // Never removed: adding it again could fail for lack of memory.
  if (hostFd_ >= 0) sys::rewatch(epoll_, hostFd_, isHeeded ? EPOLLIN : 0, &host_);
}

void Loop::turn(int patienceMs) {
  epoll_event happened[kEventsPerTurn];
  isHostCalled = false;
  const int count = sys::wait(epoll_, happened, kEventsPerTurn, sleepMs(patienceMs));
  readClock();
  obeyCommands();
  goOn();
  for (int i = 0; i < count; i++) dispatch(*static_cast<Watched*>(happened[i].data.ptr), happened[i].events);
  fireTimers();
  arrivals.announceOld(*this);
  verdicts.sweep(nowMs);
  passCommandsOn();
  publishEvents();
  legs.bury();
  tunnels.bury();
  retiredListeners_.clear();
}

void Loop::readClock() {
  nowNs = sys::monotonicNs();
  nowMs = nowNs / 1'000'000;
}

void Loop::goOn() {
  goingOn_.clear();
  goingOn_.swap(ready_);
  for (Tunnel* tunnel : goingOn_) tunnel->isReady = false;
  for (Tunnel* tunnel : goingOn_) serveTunnel(*this, *tunnel);
}

void Loop::dispatch(Watched& watched, uint32_t readiness) {
  switch (watched.kind) {
    case WatchedKind::kLeg: {
      auto& leg = static_cast<Leg&>(watched);
      noteReadiness(leg, readiness);
      return onLegEvent(*this, leg);
    }
    case WatchedKind::kListener: {
      auto& listener = static_cast<Listener&>(watched);
      if (listener.fd >= 0) acceptClients(*this, listener);
      return;
    }
    case WatchedKind::kWakeup:
      return;  // the commands are looked at in every turn
    case WatchedKind::kHost:
      isHostCalled = true;
      return;
  }
}

void Loop::obeyCommands() {
  inbox().mailbox.take(commands_);
  for (size_t at = 0; at < commands_.size(); at += commands_[at]) obey(*this, &commands_[at]);
}

void Loop::passCommandsOn() {
  for (uint32_t* record : postponed_) passOn(*this, record);
  postponed_.clear();
}

void Loop::fireTimers() {
  while (TimerNode* node = wheel.takeDue(nowMs)) fire(*node);
}

void Loop::fire(TimerNode& node) {
  switch (node.owner) {
    case TimerOwner::kLeg:
      return onLegDeadline(*this, static_cast<Unspliced&>(node).leg);
    case TimerOwner::kTunnel:
      return onTunnelDeadline(*this, static_cast<Tunnel&>(node));
    case TimerOwner::kListener:
      return resumeAccepting(*this, static_cast<Listener&>(node));
  }
}

int Loop::sleepMs(int patienceMs) {
  if (patienceMs == 0 || !ready_.empty() || inbox().mailbox.isSignalled()) return 0;
  int sleepMs = sooner(patienceMs, wheel.sleepMs(nowMs));
  const int64_t dueMs = std::min({tellAtMs_, quietAtMs_, arrivals.dueMs(), verdicts.dueMs()});
  if (dueMs != TimerWheel::kNeverMs) sleepMs = sooner(sleepMs, static_cast<int>(std::clamp<int64_t>(dueMs - nowMs, 0, INT32_MAX)));
  return sleepMs;
}

void Loop::publishEvents() {
  if (!events.empty()) {
    board.leave(events.words().data(), events.words().size());
    events.clear();
    tellAtMs_ = std::min(tellAtMs_, nowMs + latenessMs(haste_));
    // The last of many is not late.
    quietAtMs_ = nowMs + kSoonMs;
    haste_ = Haste::kLate;
  }
  if (nowMs < std::min(tellAtMs_, quietAtMs_) && board.outbox.waiting() < kManyWords) return;
  tellAtMs_ = quietAtMs_ = TimerWheel::kNeverMs;
  board.call();
}

int Loop::watch(Leg& leg) {
  leg.isWatchedForRoom = !leg.isWritable;
  return sys::watch(epoll_, leg.fd, leg.isWatchedForRoom ? kRoomEvents : kLegEvents, static_cast<Watched*>(&leg));
}

bool Loop::awaitRoom(Leg& leg) {
  if (leg.isWritable || leg.isWatchedForRoom || leg.isLost || leg.fd < 0) return true;
  leg.isWatchedForRoom = sys::rewatch(epoll_, leg.fd, kRoomEvents, static_cast<Watched*>(&leg)) == 0;
  return leg.isWatchedForRoom;
}

// A stamp of 32 bits orders times within 24 days, and a longer span is cut to that. No dial and no silent client lasts so long.
void Loop::setDeadline(Leg& leg, uint32_t spanMs) {
  if (spanMs == kNever) return TimerWheel::cancel(leg.unspliced);
  const int64_t dueMs = nowMs + std::min<uint32_t>(spanMs, INT32_MAX);
  leg.unspliced.deadlineMs = static_cast<uint32_t>(dueMs);
  wheel.schedule(leg.unspliced, dueMs);
}

void Loop::retire(Tunnel& tunnel) {
  if (tunnel.isReady) ready_.erase(std::remove(ready_.begin(), ready_.end(), &tunnel), ready_.end());
  tunnels.retire(tunnel);
}

void Loop::retire(std::unique_ptr<Listener> listener) { retiredListeners_.push_back(std::move(listener)); }

void Loop::obeyLast() {
  readClock();
  obeyCommands();
  passCommandsOn();
}

void Loop::closeEverything() {
  legs.forEach([this](Leg& leg) {
    if (leg.state == LegState::kSpliced && leg.spliced.tunnel->client == &leg) tellStopped(*this, *leg.spliced.tunnel);
  });
  board.leave(events.words().data(), events.words().size());
  events.clear();
  legs.forEach([this](Leg& leg) {
    if (isToBeReset(leg)) sys::closeWithReset(leg.fd);
    else sys::close(leg.fd);
    if (leg.state == LegState::kSpliced) releasePipe(leg.spliced.direction, pipes);
  });
  for (auto& [id, listener] : listeners) sys::close(listener->fd);
  listeners.clear();
}

void onLegEvent(Loop& loop, Leg& leg) {
  switch (leg.state) {
    case LegState::kDialling:
      return serveDial(loop, leg);
    case LegState::kHeld:
      return serveHeld(loop, leg);
    case LegState::kSpliced:
      return serveTunnel(loop, *leg.spliced.tunnel);
    case LegState::kLingering:
      return serveLingering(loop, leg);
    case LegState::kResetting:
      return serveResetting(loop, leg);
    case LegState::kClosed:
      return;
  }
}

void onLegDeadline(Loop& loop, Leg& leg) {
  const auto leftMs = static_cast<int32_t>(leg.unspliced.deadlineMs - static_cast<uint32_t>(loop.nowMs));
  if (leftMs > 0) {
    loop.wheel.schedule(leg.unspliced, loop.nowMs + leftMs);
    if (leg.state == LegState::kLingering) serveLingering(loop, leg);
    return;
  }
  if (leg.state == LegState::kDialling) return onDialDeadline(loop, leg);
  if (leg.state == LegState::kHeld) return onSilence(loop, leg);
  if (leg.state == LegState::kResetting) return serveResetting(loop, leg);
  closeNow(loop, leg);
}

}  // namespace sallyport
