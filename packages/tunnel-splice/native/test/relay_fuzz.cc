// Drives the relay alone, over real loopback connections, by seeded random schedules with injected faults.
//
// In every schedule: what arrives is what was sent, in order and once; the count is what was handed on; without an injected loss
// everything arrives; a pooled pipe is empty; no descriptor is left. Usage: relay_fuzz [first seed] [seeds]
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "../src/relay.h"
#include "faulty_sys.h"

using namespace sallyport;

namespace {

#define REQUIRE(condition)                                                    \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "seed %u: %s (line %d)\n", seed, #condition, __LINE__); \
      abort();                                                                \
    }                                                                         \
  } while (false)

uint32_t seed;

struct Pair {
  int ours;
  int peer;
};

Pair connectedPair() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), length) == 0 && listen(listener, 1) == 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  const int peer = socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(connect(peer, reinterpret_cast<sockaddr*>(&address), length) == 0);
  const int ours = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  REQUIRE(ours >= 0);
  fcntl(peer, F_SETFL, O_NONBLOCK);
  close(listener);
  return {ours, peer};
}

// The byte at each place of a stream, so that a loss, a repetition or a swap is noticed.
char byteAt(uint64_t place) { return static_cast<char>((place * 2654435761u) >> 13); }

// A peer that sends a stream and checks the one it gets.
struct Peer {
  int fd;
  uint64_t toSend;
  uint64_t sent = 0;
  uint64_t received = 0;
  bool hasSentFin = false;
  bool hasGotFin = false;

  void say(size_t limit) {
    std::vector<char> bytes(std::min<uint64_t>(limit, toSend - sent));
    for (size_t i = 0; i < bytes.size(); i++) bytes[i] = byteAt(sent + i);
    const ssize_t count = bytes.empty() ? 0 : ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count > 0) sent += static_cast<uint64_t>(count);
    if (sent < toSend || hasSentFin) return;
    shutdown(fd, SHUT_WR);
    hasSentFin = true;
  }

  void hear(size_t limit) {
    std::vector<char> bytes(limit);
    const ssize_t count = recv(fd, bytes.data(), bytes.size(), 0);
    if (count == 0) hasGotFin = true;
    for (ssize_t i = 0; i < count; i++) REQUIRE(bytes[i] == byteAt(received + i));
    if (count > 0) received += static_cast<uint64_t>(count);
  }
};

// What epoll would report, level by level.
void refresh(Leg& leg) {
  pollfd state{leg.fd, POLLIN | POLLOUT | POLLRDHUP, 0};
  poll(&state, 1, 0);
  uint32_t events = 0;
  if (state.revents & POLLIN) events |= EPOLLIN;
  if (state.revents & POLLOUT) events |= EPOLLOUT;
  if (state.revents & POLLRDHUP) events |= EPOLLRDHUP;
  noteReadiness(leg, events);
}

size_t openDescriptors() {
  DIR* directory = opendir("/proc/self/fd");
  size_t count = 0;
  while (readdir(directory) != nullptr) count++;
  closedir(directory);
  return count;
}

void chooseFaults(std::mt19937& random) {
  const auto chance = [&](uint32_t most) { return random() % 3 == 0 ? random() % most : 0; };
  faults.seed = seed;
  faults.shortTransfer = chance(9'000);
  faults.again = chance(3'000);
  faults.shortage = chance(2'000);
  faults.descriptors = chance(9'000);
  faults.broken = random() % 8 == 0 ? 20 : 0;
}

void checkPool(PipePool& pool, size_t pipes) {
  faults.descriptors = 0;
  std::vector<std::unique_ptr<Pipe>> taken;
  for (size_t i = 0; i < pipes; i++) {
    auto pipe = pool.take(INT64_MAX / 2);
    if (!pipe) break;
    int waiting = 0;
    ioctl(pipe->ends[0], FIONREAD, &waiting);
    REQUIRE(waiting == 0 && pipe->held == 0);
    taken.push_back(std::move(pipe));
  }
  for (auto& pipe : taken) pool.giveBack(std::move(pipe));
}

// One schedule. True if an injected loss ended it early.
bool runSchedule(std::mt19937& random, PipePool& pool, char* buffer) {
  const Pair left = connectedPair();
  const Pair right = connectedPair();
  Leg client(left.ours, LegState::kSpliced);
  Leg upstream(right.ours, LegState::kSpliced);
  const Direction& up = client.spliced.direction;
  const Direction& down = upstream.spliced.direction;
  const auto volume = [&] { return random() % 4 == 0 ? random() % (3u << 20) : random() % 100'000u; };
  Peer a{left.peer, volume()};
  Peer b{right.peer, volume()};
  RelayTools tools{pool, buffer, 1};
  bool isLost = false;
  for (int step = 0; !isLost && !(a.hasGotFin && b.hasGotFin); step++) {
    REQUIRE(step < 1'000'000);
    if (random() % 3 != 0) a.say(1 + random() % 200'000);
    if (random() % 3 != 0) b.say(1 + random() % 200'000);
    if (random() % 3 != 0) a.hear(1 + random() % 300'000);
    if (random() % 3 != 0) b.hear(1 + random() % 300'000);
    if (random() % 50 == 0) tools.nowMs += kPauseMs + 1;
    refresh(client);
    refresh(upstream);
    for (const auto& [from, to] : {std::pair(&client, &upstream), std::pair(&upstream, &client)}) {
      const Flow flow = pump(*from, *to, tools);
      if (flow == Flow::kFailed) isLost = true;
      if (flow != Flow::kOver) continue;
      from->spliced.direction.isOver = true;
      shutdown(to->fd, SHUT_WR);
    }
  }
  REQUIRE(b.received <= up.relayed && up.relayed <= a.sent);
  REQUIRE(a.received <= down.relayed && down.relayed <= b.sent);
  if (!isLost) REQUIRE(b.received == a.toSend && a.received == b.toSend && up.relayed == a.toSend && down.relayed == b.toSend);
  for (Leg* leg : {&client, &upstream}) releasePipe(leg->spliced.direction, pool);
  for (const int fd : {left.ours, left.peer, right.ours, right.peer}) close(fd);
  return isLost;
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const uint32_t first = argc > 1 ? static_cast<uint32_t>(atoi(argv[1])) : 1;
  const uint32_t seeds = argc > 2 ? static_cast<uint32_t>(atoi(argv[2])) : 200;
  std::vector<char> buffer(kCopyBytes);
  size_t lost = 0;
  for (seed = first; seed < first + seeds; seed++) {
    std::mt19937 random(seed);
    const size_t before = openDescriptors();
    {
      PipePool pool(2);
      chooseFaults(random);
      if (runSchedule(random, pool, buffer.data())) lost++;
      checkPool(pool, 2);
    }
    REQUIRE(openDescriptors() == before);
  }
  printf("relay: %u schedules, %zu of them with an injected loss\n", seeds, lost);
  return 0;
}
