// Drives the whole engine as JavaScript would, over loopback, with random peers, random commands and injected faults.
//
// Clients send a known stream to an origin that echoes it. A client must receive what it sent, in order and once, however the tunnel was
// made or ended. Every dial must get one answer, every tunnel one end, every listener its close, and no descriptor may be left. Made for
// the sanitizers. Usage: engine_fuzz [seed] [clients], or engine_fuzz failing [clients]: then each system call fails once, at each of
// several moments and with each of several errors, and nothing else fails.
#include <dirent.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "../src/engine.h"
#include "faulty_sys.h"
#include "fuzz/brain.h"
#include "fuzz/peers.h"

using namespace sallyport;

namespace {

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
  // A client may be promised a tunnel, and get another one. And each thread has some numbers to spare.
  const uint32_t pages = (2 * clients + 100) / Counts::kTunnelsPerPage + 1;
  std::vector<double> pairs(2 * Counts::kTunnelsPerPage * pages);
  Engine engine(threads, ignoreWake, nullptr);
  for (uint32_t page = 0; page < pages; page++) {
    engine.addCounts(page, &pairs[2 * Counts::kTunnelsPerPage * page]);
  }
  // Not the faults of the run before: the engine must be able to open what it needs.
  faults.shortage = faults.broken = faults.descriptors = 0;
  faults.failing = Call::kNone;
  REQUIRE(engine.start() == 0);
  Peers peers;
  const Door door = engine.listen({kDoor, "127.0.0.1", 0, -1, -1, Interception::kNone, false, false, kDoor});
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
  printf("engine: seed %u, %zu threads, %u clients, %zu tunnels, %zu of them repeated\n", seed, threads, clients,
         brain.tunnelsEnded, brain.tunnelsRepeated);
}

// JavaScript stops the engine before it takes a detached descriptor.
void stopWithDetachedLeg() {
  std::atomic<int> wakes{0};
  Engine engine(1, countWake, &wakes);
  REQUIRE(engine.start() == 0);
  const Door door = engine.listen({kDoor, "127.0.0.1", 0, -1, -1, Interception::kNone, false, false, kDoor});
  Peers peers;
  peers.connectTo(door.bound.port);
  uint32_t words[1'024];
  while (wakes < 1) continue;
  REQUIRE(engine.drain(words, 1'024) > 0);
  RecordReader accepted(words);
  const LegId id = accepted.leg();
  RecordWriter command;
  command.begin(kDetach, id).end();
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
