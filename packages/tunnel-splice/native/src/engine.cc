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

// Signals are the main thread's business, and a SIGPIPE from splice(2) is nobody's.
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

// Opens `count` sockets that share one port; on failure none stays open. Returns 0 or an errno.
int openShared(SocketAddress& address, size_t count, std::vector<int>& sockets) {
  auto sharing = count == 1 ? sys::PortSharing::kExclusive : sys::PortSharing::kFirstOfMany;
  while (sockets.size() < count) {
    const int fd = sys::openListener(address, sharing);
    if (fd < 0) {
      for (const int open : sockets) sys::close(open);
      return -fd;
    }
    sockets.push_back(fd);
    sys::localAddress(fd, address);  // with port 0, the others follow where the first one landed
    sharing = sys::PortSharing::kOneOfMany;
  }
  return 0;
}

}  // namespace

Engine::Engine(size_t threads, void (*wake)(void*), void* context) : board_(threads) {
  board_.wakeJavaScript = wake;
  board_.context = context;
  const size_t pipes = std::max<size_t>(1, PipePool::kPipesOfProcess / threads);
  for (uint32_t thread = 0; thread < threads; thread++) loops_.push_back(std::make_unique<Loop>(thread, board_, pipes));
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
    threads_.emplace_back([&loop] { loop->run(); });
    pthread_setname_np(threads_.back().native_handle(), "sallyport-data");
  }
  return 0;
}

void Engine::stop() {
  for (size_t thread = 0; thread < threads_.size(); thread++) loops_[thread]->requestStop();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  std::vector<uint32_t> left;
  for (auto& inbox : board_.inboxes) {
    inbox.mailbox.take(left);
    for (size_t at = 0; at < left.size(); at += left[at]) abandon(&left[at]);
  }
}

Door Engine::listen(uint32_t id, const std::string& host, uint16_t port) {
  Door door;
  SocketAddress address;
  std::vector<int> sockets;
  door.error = parseAddress(host, port, address) ? openShared(address, loops_.size(), sockets) : EINVAL;
  if (door.error != 0) return door;
  door.bound = formatAddress(address);
  handOut(id, sockets, address);
  return door;
}

void Engine::handOut(uint32_t id, const std::vector<int>& sockets, const SocketAddress& address) {
  for (size_t thread = 0; thread < sockets.size(); thread++) {
    RecordWriter command;
    command.begin(kListen, id, sockets[thread], isWildcard(address)).end();
    board_.inboxes[thread].post(command.words().data(), command.words().size());
  }
}

void Engine::post(uint32_t* records, size_t words) {
  for (size_t at = 0; at < words; at += records[at]) {
    board_.inboxes[records[at + 1] >> kThreadShift].post(records + at, records[at]);
  }
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
