// What JavaScript knows of its legs and dials, and the commands that it sends to the engine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../../src/engine.h"
#include "dice.h"
#include "preface.h"

namespace sallyport {

// A single loop is run by this program, in place of JavaScript. With two, each has its own thread.
inline size_t threads = 1;
constexpr uint32_t kDoor = 7;
constexpr uint32_t kBeginnings = 8;

struct HeldLeg {
  LegId id;
  std::vector<char> unread;
  uint32_t received = 0;
  int promised = -1;    // the tunnel that one of its dials will join it to
  bool isKept = false;  // its promise has a guard or awaits an answer: what it sends stays here
  bool isAsking = false;
  std::vector<char> given{};  // to be sent first, once the answer has come
  int tunnel = -1;      // once spliced
  bool isUpstream = false;
  // An upstream that has not answered its preface yet, and its client: they are spliced once it has.
  bool isHeardOut = false;
  LegId other{};
};

// A dial under way.
struct Attempt {
  LegId client;
  uint32_t thread;
  bool isToJoin;
  bool isAsking;   // it has a preface
  Asked asked;
};

class Orders {
 public:
  explicit Orders(Engine& engine) : engine_(engine) { teach(); }

  size_t drain(uint32_t* words, size_t capacity) { return engine_.drain(words, capacity); }

  void flush() {
    std::vector<uint32_t> words = commands_.words();
    engine_.post(words.data(), words.size());
    commands_.clear();
  }

  template <typename... Arguments>
  void send(uint32_t thread, uint32_t kind, Arguments... arguments) {
    commands_.begin(kind | thread << kThreadShift, arguments...).end();
  }

  void dial(uint32_t token, const Attempt& attempt, uint16_t port) {
    const auto& [client, thread, isToJoin, isAsking, asked] = attempt;
    const std::string host = "127.0.0.1";
    const std::string preface = isAsking ? prefaceThatAsks(asked) : "";
    const std::string answer = isAsking && isToJoin ? answerTo(Asked::kUsual) : "";
    const uint32_t deadlineMs = dice(50) == 0 ? 0 : asked == Asked::kNothing ? dice(100) : 5'000;
    commands_
        .begin(kDial | thread << kThreadShift, token, deadlineMs, dice(40) == 0 ? 1 : port, host.size(), 0, 0, isToJoin,
               client, dice(4) == 0, preface.size(), answer.size())
        .bytes(host.data(), host.size())
        .bytes(preface.data(), preface.size())
        .bytes(answer.data(), answer.size())
        .end();
  }

  // With a guard, or where an answer is awaited first, the client keeps what is not to be sent at once.
  void promise(HeldLeg& client, int tunnel, bool isAsking) {
    const bool isGuarded = dice(2) == 0;
    client.promised = tunnel;
    client.isAsking = isAsking;
    client.isKept = isGuarded || isAsking;
    const size_t kept = client.isKept && dice(4) == 0 ? client.unread.size() / 2 : 0;
    const size_t given = client.unread.size() - kept;
    commands_
        .begin(kPromise | threadOf(client.id.place) << kThreadShift, client.id, client.promised,
               span(200), span(100), 300 + dice(700), 0, client.received - kept,
               isGuarded ? 1 + dice(kBeginnings) : 0, span(100), 0, given)
        .bytes(client.unread.data(), given)
        .end();
    client.given.assign(client.unread.begin(), client.unread.begin() + static_cast<ptrdiff_t>(given));
    client.unread.erase(client.unread.begin(), client.unread.begin() + static_cast<ptrdiff_t>(given));
  }

  void splice(const HeldLeg& client, const HeldLeg& upstream, uint32_t index) {
    commands_
        .begin(kSplice | threadOf(upstream.id.place) << kThreadShift, client.id,
               upstream.id, index, span(200), span(100), 300 + dice(700), 0, dice(300), client.received,
               upstream.received, client.unread.size(), upstream.unread.size())
        .bytes(client.unread.data(), client.unread.size())
        .bytes(upstream.unread.data(), upstream.unread.size());
    const uint32_t noMovedLeg[2] = {0, 0};
    commands_.bytes(noMovedLeg, sizeof(noMovedLeg)).end();
  }

  // For clients of `kOpeningLength` bytes. Where these do not go up, they are sent back, as the origin does.
  void remember(uint32_t verdict, uint32_t thread, uint16_t port) {
    std::string opening(kOpeningLength, '\0');
    for (size_t i = 0; i < opening.size(); i++) opening[i] = byteAt(i);
    const std::string mask(opening.size(), '\xff');
    const std::string host = "127.0.0.1";
    const bool isSentUp = dice(2) == 0;
    const std::string reply = isSentUp ? "" : opening;
    const std::string source = dice(20) == 0 ? "192.0.2.1" : "";
    commands_
        .begin(kRemember | thread << kThreadShift, verdict, epoch_, kDoor,
               static_cast<uint32_t>(sys::monotonicNs() / 1'000'000 + dice(200)), 1 + dice(20), dice(20) == 0 ? 1 : port,
               dice(20) == 0 ? 0 : dice(100), span(200), span(100), 300 + dice(700), 0,
               isSentUp && dice(2) == 0 ? 1 + dice(kBeginnings) : 0, dice(100), isSentUp, 0, dice(50) == 0 ? 8 : 0, host.size(),
               host.size(), source.size(), reply.size(), opening.size())
        .bytes(host.data(), host.size())
        .bytes(host.data(), host.size())
        .bytes(source.data(), source.size())
        .bytes(reply.data(), reply.size())
        .bytes(opening.data(), opening.size())
        .bytes(mask.data(), mask.size())
        .end();
  }

  void forgetVerdicts() {
    engine_.beginEpoch(++epoch_);
    for (uint32_t thread = 0; thread < threads; thread++) send(thread, kForget);
    flush();
  }

  // `by`: the leg whose thread gets the command.
  void sendBack(const HeldLeg& leg, LegId client, LegId by, const char* bytes, uint32_t length) {
    commands_
        .begin(kReturn | threadOf(by.place) << kThreadShift, client, leg.isUpstream, length)
        .bytes(bytes, length)
        .end();
  }

 private:
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

  static uint32_t span(uint32_t most) { return dice(4) == 0 ? dice(most) : kNever; }

  Engine& engine_;
  RecordWriter commands_;
  uint32_t epoch_ = 0;
};

}  // namespace sallyport
