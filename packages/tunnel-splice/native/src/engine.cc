#include "engine.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "commands.h"

namespace sallyport {
namespace {

// A tunnel takes two descriptors, and the soft limit is often 1,024.
void raiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Signals are for the main thread, and a SIGPIPE from splice(2) is ignored.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

bool isWildcard(const SocketAddress& address) {
  if (address.family() == AF_INET) return reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr.s_addr == 0;
  return IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr);
}

// Opens `count` sockets of one listener with `open`, which is given the first of them. On failure none stays open. Returns 0 or an errno.
template <typename Open>
int openEach(SocketAddress& address, size_t count, std::vector<int>& sockets, Open open) {
  while (sockets.size() < count) {
    const int fd = open(sockets.empty());
    if (fd < 0) {
      for (const int opened : sockets) sys::close(opened);
      return -fd;
    }
    sockets.push_back(fd);
    sys::localAddress(fd, address);  // with port 0, the others follow where the first one landed
  }
  return 0;
}

// Sockets of our own that share one port.
int openShared(const DoorRequest& request, SocketAddress& address, size_t count, std::vector<int>& sockets) {
  if (!parseAddress(request.host, request.port, address)) return EINVAL;
  const auto alone = count == 1 ? sys::PortSharing::kExclusive : sys::PortSharing::kFirstOfMany;
  const auto first = request.isBeside ? sys::PortSharing::kOneOfMany : alone;
  const bool isTransparent = request.interception == Interception::kTransparent;
  const bool isDualStack = request.isDualStack;
  return openEach(address, count, sockets, [&](bool isFirst) {
    return sys::openListener(address, isFirst ? first : sys::PortSharing::kOneOfMany, isTransparent, isDualStack);
  });
}

// Closes the descriptors in events that will not be taken any more.
void closeDetached(std::vector<uint32_t>& events, size_t from) {
  for (size_t at = from; at < events.size(); at += events[at]) {
    RecordReader event(&events[at]);
    if (event.kind() != kDetached) continue;
    event.leg();
    sys::close(static_cast<int>(event.word()));
  }
}

}  // namespace

Engine::Engine(size_t threads, void (*wake)(void*), void* context) : board_(threads) {
  board_.wakeJavaScript = wake;
  board_.context = context;
  const size_t pipes = std::max<size_t>(1, PipePool::kPipesOfProcess / threads);
  for (uint32_t thread = 0; thread < threads; thread++) loops_.push_back(std::make_unique<Loop>(thread, board_, pipes));
  if (threads == 1) loopOwner_ = std::make_unique<LoopOwner>(*loops_[0]);
}

Engine::~Engine() { stop(); }

int Engine::start() {
  raiseDescriptorLimit();
  for (auto& loop : loops_) {
    const int error = loop->open();
    if (error < 0) return -error;
  }
  const SignalsBlocked blocked;
  for (auto& loop : loops_) {
    threads_.emplace_back([this, &loop] { loopOwner_ ? loopOwner_->runSecondThread() : loop->run(); });
    pthread_setname_np(threads_.back().native_handle(), "sallyport-data");
  }
  return 0;
}

void Engine::halt() {
  for (size_t thread = 0; thread < threads_.size(); thread++) loops_[thread]->requestStop();
  if (loopOwner_) loopOwner_->stopSecondThread();
  for (auto& thread : threads_) thread.join();
  // Commands given before the end count, above all a cut. A command is passed on once at most.
  for (int round = 0; round < 2; round++) {
    for (size_t thread = 0; thread < threads_.size(); thread++) loops_[thread]->obeyLast();
  }
  for (size_t thread = 0; thread < threads_.size(); thread++) loops_[thread]->closeEverything();
  threads_.clear();
}

void Engine::stop() {
  halt();
  std::vector<uint32_t> left;
  for (auto& inbox : board_.inboxes) {
    inbox.mailbox.take(left);
    for (size_t at = 0; at < left.size(); at += left[at]) abandon(&left[at]);
  }
  closeDetached(drained_, drainedTo_);
  drained_.clear();
  drainedTo_ = 0;
  board_.outbox.take(left);
  closeDetached(left, 0);
}

Door Engine::listen(const DoorRequest& request) {
  Door door;
  SocketAddress address;
  const size_t count = request.thread < 0 ? loops_.size() : 1;
  door.error = request.passed < 0
                   ? openShared(request, address, count, door.sockets)
                   : openEach(address, count, door.sockets, [&](bool) { return sys::adoptListener(request.passed); });
  if (door.error != 0) return door;
  // The passed socket is ours from here on, and each thread has its own descriptor for it.
  if (request.passed >= 0) sys::close(request.passed);
  door.bound = formatAddress(address);
  handOut(request, door.sockets, address);
  return door;
}

void Engine::handOut(const DoorRequest& request, const std::vector<int>& sockets, const SocketAddress& address) {
  size_t thread = request.thread < 0 ? 0 : static_cast<size_t>(request.thread);
  for (const int socket : sockets) {
    RecordWriter command;
    command.begin(kListen, request.id, socket, isWildcard(address), request.interception, request.first).end();
    board_.inboxes[thread].post(command.words().data(), command.words().size());
    thread++;
  }
}

void Engine::post(uint32_t* records, size_t words) {
  // All records are left first, then the threads are woken: a thread that wakes at the first record would be woken again for the next.
  for (size_t at = 0; at < words; at += records[at]) {
    board_.inboxes[records[at + 1] >> kThreadShift].leave(records + at, records[at]);
  }
  for (Inbox& inbox : board_.inboxes) inbox.call();
}

size_t Engine::drain(uint32_t* into, size_t words) {
  if (drainedTo_ == drained_.size()) {
    board_.outbox.take(drained_);
    drainedTo_ = 0;
  }
  size_t end = drainedTo_;
  while (end < drained_.size() && end + drained_[end] - drainedTo_ <= words) end += drained_[end];
  const size_t copied = end - drainedTo_;
  if (copied > 0) memcpy(into, &drained_[drainedTo_], copied * sizeof(uint32_t));
  drainedTo_ = end;
  return copied;
}

}  // namespace sallyport
