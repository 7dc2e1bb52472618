// Dialling: one literal address, one deadline, one attempt. It always reports exactly one event.
#pragma once

#include <memory>
#include <string>

#include "leg.h"
#include "repeat.h"

namespace sallyport {

class Loop;

struct DialRequest {
  uint32_t token;       // JavaScript's name for the attempt
  uint32_t deadlineMs;  // a span from now, or kNever
  uint16_t port;
  std::string host;
  std::string source;  // empty: the kernel's choice
  bool isTransparent;  // the source is another machine's address
  bool isToJoin;       // `client`, to which a tunnel is promised
  LegId client;
  bool isAnswerAwaited;  // of the preface: nobody need be woken before it comes
  std::string preface;  // sent before everything, and not counted
  std::string answer;   // to the preface: the dial joins once it has arrived (preface.h); empty: none is awaited
  std::unique_ptr<Repeat> repeat;  // of a dial by a verdict; null for others, which are most
};

// For a preface whose answer is awaited (preface.h).
enum class PrefaceState : uint8_t { kNone, kAsked, kAnswered };

// An attempt that is not over yet.
struct DialUnderWay {
  Leg* leg;
  bool isToJoin;
  bool isAnswerAwaited;
  LegId clientId;
  uint16_t port;
  std::string preface;
  std::string prefaceAnswer;
  int64_t deadlineAtMs;  // or TimerWheel::kNeverMs
  // For a dial that has connected and is to join:
  PrefaceState prefaceState;
  size_t answeredBytes;  // how much of the preface's answer has arrived
  int64_t connectedNs;
  uint64_t relayed;    // of what goes up first
  Leg* client;         // an answer is awaited (answer.h), and this is whom it is for
  int64_t answerByMs;
  ByteQueue answer;    // as far as it has come
  std::unique_ptr<Repeat> repeat;  // of a dial by a verdict; null for others
};

// Of a dial by a verdict.
constexpr bool isRepeated(uint32_t token) { return (token & kByVerdict) != 0; }

void dial(Loop& loop, DialRequest&& request);
void cancelDial(Loop& loop, uint32_t token);
// Cancels a dial that awaits an answer: its client was closed. What was sent up is counted for the tunnel that was promised.
void abandonAnswering(Loop& loop, Leg& upstream, uint32_t tunnel);

// The dial has failed, and is over.
void failDial(Loop& loop, Leg& leg, DialOutcome outcome);
// Reports a connected leg to JavaScript. The dial is over then.
void handOut(Loop& loop, Leg& leg);
// `bytes` were read from the upstream already.
void joinDialled(Loop& loop, Leg& client, Leg& upstream, const DialUnderWay& dial, const char* bytes, size_t length);

// Something happened to a leg that is dialling.
void serveDial(Loop& loop, Leg& leg);
void onDialDeadline(Loop& loop, Leg& leg);

}  // namespace sallyport
