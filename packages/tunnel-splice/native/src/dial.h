// Dialling: one literal address, one deadline, one attempt; its outcome goes up as one event, whatever happens.
#pragma once

#include <string>

#include "leg.h"

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
  std::string preface;  // goes out ahead of everything, and counts as nothing
};

// An attempt that is not over yet.
struct DialUnderWay {
  Leg* leg;
  bool isToJoin;
  LegId client;
  uint16_t port;
  std::string preface;
};

void dial(Loop& loop, const DialRequest& request);
void cancelDial(Loop& loop, uint32_t token);

// Something happened to a leg that is dialling.
void serveDial(Loop& loop, Leg& leg);
void onDialDeadline(Loop& loop, Leg& leg);

}  // namespace sallyport
