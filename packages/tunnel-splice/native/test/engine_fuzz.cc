// Drives the whole engine as JavaScript would, over loopback, with random peers, random commands and injected faults.
//
// Clients send a known stream to an origin that echoes it. A client must receive what it sent, in order and once, however the tunnel was
// made or ended. Every dial must get one answer, every tunnel one end, every listener its close, and no descriptor may be left. Made for
// the sanitizers. Usage: engine_fuzz [seed] [clients], or engine_fuzz failing [clients]: then each system call fails once, at each of
// several moments and with each of several errors, and nothing else fails.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "../src/engine.h"
#include "faulty_sys.h"

using namespace sallyport;

namespace {

#define REQUIRE(condition)                                        \
  do {                                                            \
    if (!(condition)) {                                           \
      fprintf(stderr, "%s (line %d)\n", #condition, __LINE__);    \
      abort();                                                    \
    }                                                             \
  } while (false)

// A single loop is run by this program, in place of JavaScript. With two, each has its own thread.
size_t threads = 1;
constexpr uint32_t kDoor = 7;
constexpr uint32_t kBeginnings = 8;

std::mt19937 generator;
uint32_t dice(uint32_t sides) { return generator() % sides; }

char byteAt(uint64_t place) { return static_cast<char>((place * 2654435761u) >> 11); }

void closeAbruptly(int fd) {
  const linger atOnce{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &atOnce, sizeof(atOnce));
  close(fd);
}

// ---- the peers: clients, and an origin that echoes ----

struct Client {
  int fd;
  uint64_t toSay;
  uint64_t said = 0;
  uint64_t heard = 0;
};

struct Echo {
  int fd;
  std::deque<char> held;
  bool hasEnded = false;
};

class Peers {
 public:
  Peers() {
    origin_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    REQUIRE(bind(origin_, reinterpret_cast<sockaddr*>(&address), length) == 0 && listen(origin_, 512) == 0);
    getsockname(origin_, reinterpret_cast<sockaddr*>(&address), &length);
    port = ntohs(address.sin_port);
  }

  ~Peers() {
    for (auto& client : clients_) close(client.fd);
    for (auto& echo : echoes_) close(echo.fd);
    close(origin_);
  }

  void connectTo(uint16_t door) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(door);
    connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    clients_.push_back({fd, dice(4) == 0 ? dice(2u << 20) : dice(5'000)});
  }

  void step() {
    acceptEchoes();
    clients_.erase(std::remove_if(clients_.begin(), clients_.end(), [this](Client& c) { return !serve(c); }), clients_.end());
    echoes_.erase(std::remove_if(echoes_.begin(), echoes_.end(), [this](Echo& e) { return !serve(e); }), echoes_.end());
  }

  size_t count() const { return clients_.size(); }

  uint16_t port;

 private:
  void acceptEchoes() {
    for (;;) {
      const int fd = accept4(origin_, nullptr, nullptr, SOCK_NONBLOCK);
      if (fd < 0) return;
      echoes_.push_back({fd, {}});
    }
  }

  bool serve(Client& client) {
    char bytes[32'768];
    if (dice(400) == 0) return closeAbruptly(client.fd), false;
    if (client.said < client.toSay) {
      const size_t length = std::min<uint64_t>(1 + dice(sizeof(bytes)), client.toSay - client.said);
      for (size_t i = 0; i < length; i++) bytes[i] = byteAt(client.said + i);
      const ssize_t sent = send(client.fd, bytes, length, MSG_NOSIGNAL);
      if (sent > 0) client.said += static_cast<uint64_t>(sent);
      if (client.said == client.toSay) shutdown(client.fd, SHUT_WR);
    } else if (client.said == 0) {
      shutdown(client.fd, SHUT_WR);
    }
    const ssize_t got = recv(client.fd, bytes, 1 + dice(sizeof(bytes)), 0);
    for (ssize_t i = 0; i < got; i++) REQUIRE(bytes[i] == byteAt(client.heard + static_cast<uint64_t>(i)));
    if (got > 0) client.heard += static_cast<uint64_t>(got);
    REQUIRE(client.heard <= client.said);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == ENOTCONN))) return true;
    close(client.fd);
    return false;
  }

  bool serve(Echo& echo) {
    char bytes[32'768];
    if (dice(2'000) == 0) return closeAbruptly(echo.fd), false;
    if (!echo.hasEnded && echo.held.size() < 100'000) {
      const ssize_t got = recv(echo.fd, bytes, 1 + dice(sizeof(bytes)), 0);
      if (got > 0) echo.held.insert(echo.held.end(), bytes, bytes + got);
      if (got == 0) echo.hasEnded = true;
      if (got < 0 && errno != EAGAIN) return close(echo.fd), false;
    }
    const size_t length = std::min<size_t>(echo.held.size(), sizeof(bytes));
    std::copy_n(echo.held.begin(), length, bytes);
    const ssize_t sent = length == 0 ? 0 : send(echo.fd, bytes, length, MSG_NOSIGNAL);
    if (sent > 0) echo.held.erase(echo.held.begin(), echo.held.begin() + sent);
    if ((sent < 0 && errno != EAGAIN) || (echo.hasEnded && echo.held.empty())) return close(echo.fd), false;
    return true;
  }

  int origin_;
  std::vector<Client> clients_;
  std::vector<Echo> echoes_;
};

// ---- the part of JavaScript ----

struct HeldLeg {
  LegId id;
  std::vector<char> unread;
  uint32_t received = 0;
  int promised = -1;    // the tunnel that one of its dials will join it to
  bool isGuarded = false;  // its promise has a guard
  int tunnel = -1;      // once spliced
  bool isUpstream = false;
};

class Brain {
 public:
  Brain(Engine& engine, uint16_t originPort) : engine_(engine), originPort_(originPort) { teach(); }

  void step() {
    uint32_t words[64 * 1024];
    while (const size_t count = engine_.drain(words, 64 * 1024)) {
      for (size_t at = 0; at < count; at += words[at]) hear(words + at);
    }
    while (!tunnels_.empty() && dice(300) == 0) cutOne();
    for (const uint32_t token : dials_) {
      if (dice(200) == 0) send(threadOf_[token], kCancelDial, token);
    }
    flush();
  }

  void closeDoor() {
    for (uint32_t thread = 0; thread < threads; thread++) send(thread, kCloseListener, kDoor);
    flush();
  }

  bool isQuiet() const { return tunnels_.empty() && dials_.empty() && doorsClosed == threads; }

  size_t doorsClosed = 0;
  size_t tunnelsEnded = 0;

 private:
  using Legs = std::map<uint32_t, HeldLeg>;

  template <typename... Arguments>
  void send(uint32_t thread, uint32_t kind, Arguments... arguments) {
    commands_.begin(kind | thread << kThreadShift, arguments...).end();
  }

  // Beginnings of the echoed stream, of growing length. Every other one ends in a byte that the stream does not have.
  void teach() {
    for (uint32_t number = 1; number <= kBeginnings; number++) {
      std::string bytes(number * number, '\0');
      for (size_t i = 0; i < bytes.size(); i++) bytes[i] = byteAt(i);
      std::string mask(bytes.size(), '\xff');
      mask[0] = static_cast<char>(number);
      if (number % 2 == 0) bytes.back() = static_cast<char>(~bytes.back());
      for (uint32_t thread = 0; thread < threads; thread++) {
        commands_.begin(kLearn | thread << kThreadShift, bytes.size());
        commands_.bytes(bytes.data(), bytes.size()).bytes(mask.data(), mask.size()).end();
      }
    }
    flush();
  }

  void flush() {
    std::vector<uint32_t> words = commands_.words();
    engine_.post(words.data(), words.size());
    commands_.clear();
  }

  void hear(uint32_t* record) {
    RecordReader event(record);
    switch (event.kind()) {
      case kAccepted:
        return accepted(event);
      case kData: {
        const LegId id = event.leg();
        const uint32_t length = event.word();
        return data(id, event.bytes(length), length);
      }
      case kDialed:
        return dialed(event);
      case kJoined:
        return joined(event);
      case kShortage:
        return;
      case kTunnelEnded:
        return tunnelEnded(event.word());
      case kListenerClosed:
        doorsClosed++;
        return;
      case kDetached:
        return detached(event);
      default:
        return departed(event.leg());
    }
  }

  void accepted(RecordReader& event) {
    const LegId id = event.leg();
    REQUIRE(event.word() == kDoor);
    event.word();  // how long ago
    for (int port = 0; port < 3; port++) event.word();
    const uint32_t remoteLength = event.word();
    const uint32_t localLength = event.word();
    const uint32_t originalLength = event.word();
    const uint32_t length = event.word();
    event.bytes(remoteLength);
    event.bytes(localLength);
    event.bytes(originalLength);
    HeldLeg leg{id, {}, length};
    const char* bytes = event.bytes(length);
    leg.unread.assign(bytes, bytes + length);
    legs_[id.place] = leg;
    if (dice(20) == 0) return end(id);
    if (dice(20) == 0) return send(threadOf(id.place), kDetach, id.place, id.generation);
    const bool isToJoin = dice(2) == 0;
    if (isToJoin) promise(legs_[id.place]);
    dial(id, isToJoin);
    if (isToJoin && dice(10) == 0) dial(id, isToJoin);  // a race: one of them joins
  }

  void dial(LegId client, bool isToJoin) {
    const uint32_t token = nextToken_++;
    const std::string host = "127.0.0.1";
    REQUIRE(dials_.insert(token).second);
    clientOf_[token] = client;
    threadOf_[token] = isToJoin ? threadOf(client.place) : token % threads;
    commands_
        .begin(kDial | threadOf_[token] << kThreadShift, token, dice(50) == 0 ? 0 : 5'000,
               dice(40) == 0 ? 1 : originPort_, host.size(), 0, 0, isToJoin, client.place, client.generation,
               dice(4) == 0, 0)
        .bytes(host.data(), host.size())
        .end();
  }

  // With a guard, the client keeps what is not to be sent at once.
  void promise(HeldLeg& client) {
    client.promised = nextTunnel_++;
    client.isGuarded = dice(2) == 0;
    const size_t kept = client.isGuarded && dice(4) == 0 ? client.unread.size() / 2 : 0;
    const size_t given = client.unread.size() - kept;
    commands_
        .begin(kPromise | threadOf(client.id.place) << kThreadShift, client.id.place, client.id.generation, client.promised,
               span(200), span(100), 300 + dice(700), 0, client.received - kept,
               client.isGuarded ? 1 + dice(kBeginnings) : 0, span(100), 0, given)
        .bytes(client.unread.data(), given)
        .end();
    client.unread.erase(client.unread.begin(), client.unread.begin() + static_cast<ptrdiff_t>(given));
  }

  // Its client leg is forgotten here with the tunnel, as if JavaScript had spliced it.
  void joined(RecordReader& event) {
    const uint32_t token = event.word();
    REQUIRE(dials_.erase(token) == 1);
    HeldLeg* client = find(clientOf_[token]);
    REQUIRE(client != nullptr && client->promised >= 0 && client->tunnel < 0 && client->unread.empty());
    client->tunnel = client->promised;
    tunnels_[client->tunnel] = {client->id, client->id};
  }

  static uint32_t span(uint32_t most) { return dice(4) == 0 ? dice(most) : kNever; }

  void data(LegId id, const char* bytes, uint32_t length) {
    HeldLeg* leg = find(id);
    if (leg == nullptr) return;
    leg->received += length;
    if (leg->tunnel < 0 && leg->promised >= 0 && !leg->isGuarded) return sendBack(*leg, leg->id, bytes, length);
    if (leg->tunnel < 0) {
      leg->unread.insert(leg->unread.end(), bytes, bytes + length);
      return;
    }
    const Tunnel& tunnel = tunnels_.at(leg->tunnel);
    REQUIRE(tunnel.client.place != tunnel.upstream.place);  // nothing comes of a client that was joined
    commands_
        .begin(kReturn | threadOf(tunnel.upstream.place) << kThreadShift, tunnel.client.place, tunnel.client.generation,
               leg->isUpstream, length)
        .bytes(bytes, length)
        .end();
  }

  void sendBack(const HeldLeg& leg, LegId client, const char* bytes, uint32_t length) {
    commands_
        .begin(kReturn | threadOf(client.place) << kThreadShift, client.place, client.generation, leg.isUpstream, length)
        .bytes(bytes, length)
        .end();
  }

  // What the client sent is in JavaScript or still in the socket: each byte once, and in order.
  void detached(RecordReader& event) {
    const LegId id = event.leg();
    const int fd = static_cast<int>(event.word());
    HeldLeg* leg = find(id);
    // It was ended here while its descriptor was on the way.
    if (leg == nullptr) return closeAbruptly(fd);
    std::vector<char> said = leg->unread;
    char bytes[32'768];
    ssize_t got = 0;
    while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0) said.insert(said.end(), bytes, bytes + got);
    for (size_t i = 0; i < said.size(); i++) REQUIRE(said[i] == byteAt(i));
    closeAbruptly(fd);
    forget(id);
  }

  void departed(LegId id) {
    HeldLeg* leg = find(id);
    if (leg != nullptr && leg->tunnel < 0 && dice(3) == 0) end(id);
  }

  void dialed(RecordReader& event) {
    const uint32_t token = event.word();
    const uint32_t outcome = event.word();
    const LegId upstream = event.leg();
    REQUIRE(dials_.erase(token) == 1);
    HeldLeg* client = find(clientOf_[token]);
    // Handed back: the tunnel is to be spliced here.
    if (outcome == kConnected && client != nullptr) {
      REQUIRE(client->promised < 0 || client->isGuarded);
      client->promised = -1;
    }
    if (outcome != kConnected) {
      if (client != nullptr && client->tunnel < 0 && !isDialledFor(client->id)) end(client->id);
      return;
    }
    HeldLeg leg{upstream, {}};
    leg.isUpstream = true;
    legs_[upstream.place] = leg;
    if (client == nullptr || dice(20) == 0) {
      end(upstream);
      if (client != nullptr) end(client->id);
      return;
    }
    splice(*client, legs_[upstream.place]);
  }

  bool isDialledFor(LegId client) {
    return std::any_of(dials_.begin(), dials_.end(), [&](uint32_t token) { return clientOf_[token].place == client.place; });
  }

  void splice(HeldLeg& client, HeldLeg& upstream) {
    const auto index = static_cast<uint32_t>(nextTunnel_++);
    commands_
        .begin(kSplice | threadOf(upstream.id.place) << kThreadShift, client.id.place, client.id.generation,
               upstream.id.place, upstream.id.generation, index, span(200), span(100), 300 + dice(700), 0, client.received,
               upstream.received, client.unread.size(), upstream.unread.size())
        .bytes(client.unread.data(), client.unread.size())
        .bytes(upstream.unread.data(), upstream.unread.size());
    const uint32_t noMovedLeg[2] = {0, 0};
    commands_.bytes(noMovedLeg, sizeof(noMovedLeg)).end();
    client.tunnel = upstream.tunnel = static_cast<int>(index);
    tunnels_[static_cast<int>(index)] = {client.id, upstream.id};
  }

  void tunnelEnded(uint32_t index) {
    const auto found = tunnels_.find(static_cast<int>(index));
    REQUIRE(found != tunnels_.end());
    forget(found->second.client);
    forget(found->second.upstream);
    tunnels_.erase(found);
    tunnelsEnded++;
  }

  void cutOne() {
    auto tunnel = tunnels_.begin();
    std::advance(tunnel, dice(static_cast<uint32_t>(tunnels_.size())));
    send(threadOf(tunnel->second.client.place), kCut, tunnel->second.client.place, tunnel->second.client.generation);
  }

  void end(LegId id) {
    const uint32_t thread = threadOf(id.place);
    if (dice(2) == 0) send(thread, kReset, id.place, id.generation);
    else send(thread, kClose, id.place, id.generation, 0);
    forget(id);
  }

  HeldLeg* find(LegId id) {
    const auto found = legs_.find(id.place);
    return found == legs_.end() || found->second.id.generation != id.generation ? nullptr : &found->second;
  }

  void forget(LegId id) {
    if (find(id) != nullptr) legs_.erase(id.place);
  }

  struct Tunnel {
    LegId client;
    LegId upstream;
  };

  Engine& engine_;
  const uint16_t originPort_;
  RecordWriter commands_;
  Legs legs_;
  std::set<uint32_t> dials_;
  std::map<uint32_t, LegId> clientOf_;
  std::map<uint32_t, uint32_t> threadOf_;
  std::map<int, Tunnel> tunnels_;
  uint32_t nextToken_ = 0;
  int nextTunnel_ = 0;
};

void ignoreWake(void*) {}
void countWake(void* count) { static_cast<std::atomic<int>*>(count)->fetch_add(1); }

size_t openDescriptors() {
  DIR* directory = opendir("/proc/self/fd");
  size_t count = 0;
  while (readdir(directory) != nullptr) count++;
  closedir(directory);
  return count;
}

// As the JavaScript thread does when it is free. Now and then it is away for so long that the second thread takes the loop.
void turnAtHome(Engine& engine) {
  if (engine.loopOwner() == nullptr) return;
  if (dice(2'000) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(25));
  engine.loopOwner()->acquire();
  engine.firstLoop().turn(0);
  engine.loopOwner()->release();
}

// Fails once in each run.
Call failing = Call::kNone;

void run(uint32_t seed, uint32_t clients) {
  std::vector<double> pairs(2 * Counts::kTunnelsPerPage * (clients / Counts::kTunnelsPerPage + 1));
  Engine engine(threads, ignoreWake, nullptr);
  for (uint32_t page = 0; page <= clients / Counts::kTunnelsPerPage; page++) {
    engine.addCounts(page, &pairs[2 * Counts::kTunnelsPerPage * page]);
  }
  // Not the faults of the run before: the engine must be able to open what it needs.
  faults.shortage = faults.broken = faults.descriptors = 0;
  faults.failing = Call::kNone;
  REQUIRE(engine.start() == 0);
  Peers peers;
  const Door door = engine.listen({kDoor, "127.0.0.1", 0, -1, -1, Interception::kNone, false, false});
  REQUIRE(door.error == 0);
  faults.seed = seed;
  faults.shortage = seed % 2 * 50;
  faults.broken = seed % 3 == 0 ? 5 : 0;
  faults.descriptors = seed % 4 * 100;
  faults.failing = failing;
  Brain brain(engine, peers.port);
  for (uint32_t left = clients; left > 0 || peers.count() > 0 || !brain.isQuiet();) {
    for (uint32_t i = dice(8); i > 0 && left > 0 && peers.count() < 200; i--, left--) peers.connectTo(door.bound.port);
    if (left == 0 && brain.doorsClosed == 0) brain.closeDoor();
    peers.step();
    turnAtHome(engine);
    brain.step();
    // A client that the engine closed for its own lack of descriptors has no peer any more.
    static uint64_t steps = 0;
    REQUIRE(++steps < 50'000'000);
  }
  engine.stop();
  engine.stop();
  printf("engine: seed %u, %zu threads, %u clients, %zu tunnels\n", seed, threads, clients, brain.tunnelsEnded);
}

// JavaScript stops the engine before it takes a detached descriptor.
void stopWithDetachedLeg() {
  std::atomic<int> wakes{0};
  Engine engine(1, countWake, &wakes);
  REQUIRE(engine.start() == 0);
  const Door door = engine.listen({kDoor, "127.0.0.1", 0, -1, -1, Interception::kNone, false, false});
  Peers peers;
  peers.connectTo(door.bound.port);
  uint32_t words[1'024];
  while (wakes < 1) continue;
  REQUIRE(engine.drain(words, 1'024) > 0);
  RecordReader accepted(words);
  const LegId id = accepted.leg();
  RecordWriter command;
  command.begin(kDetach, id.place, id.generation).end();
  std::vector<uint32_t> record = command.words();
  engine.post(record.data(), record.size());
  while (wakes < 2) continue;
  engine.stop();
}

// The errors that each call may fail with. Descriptors and memory may be short, and a connection may break.
void failEachCallOnce(uint32_t clients) {
  for (uint32_t call = 1; call < static_cast<uint32_t>(Call::kCount); call++) {
    for (const int error : {ENOMEM, ENOBUFS, EMFILE, ENFILE, ECONNRESET, EPIPE, EINVAL}) {
      for (const int spared : {0, 1, 2, 5, 20, 100}) {
        faults.failing = Call::kNone;
        faults.spared = spared;
        faults.error = error;
        failing = static_cast<Call>(call);
        fprintf(stderr, "call %u fails with %s after %d\n", call, strerror(error), spared);
        run(0, clients);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  const bool isFailing = argc > 1 && strcmp(argv[1], "failing") == 0;
  const uint32_t seed = argc > 1 && !isFailing ? static_cast<uint32_t>(atoi(argv[1])) : 1;
  const uint32_t clients = argc > 2 ? static_cast<uint32_t>(atoi(argv[2])) : 2'000;
  generator.seed(seed);
  const size_t before = openDescriptors();
  stopWithDetachedLeg();
  for (threads = 1; threads <= 2; threads++) {
    if (isFailing) failEachCallOnce(clients);
    else run(seed, clients);
  }
  REQUIRE(openDescriptors() == before);
  return 0;
}
