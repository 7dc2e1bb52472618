// The messages between JavaScript and the data threads: records of 32-bit words, in batches both ways.
//
// A record is [words in all, kind, ...arguments, ...bytes padded to a word]. The upper half of a command's second word is the thread it
// is posted to. Every number here stands in src/native/wire.ts as well; a test compares the two files. A time in a record is a span in
// milliseconds from now; kNever is never.
#pragma once

#include <cstdint>

namespace sallyport {

constexpr uint32_t kNever = 0xffffffff;
constexpr uint32_t kThreadShift = 16;
constexpr uint32_t kKindMask = 0xffff;

enum Command : uint32_t {
  kDial = 1,           // token, deadline, port, lengths of host and source, is the source another machine's,
                       // is it to join a client, which one, is an answer awaited, lengths of preface and answer; host, source,
                       // preface, answer
  kCancelDial = 2,     // token
  kWrite = 3,          // leg, length, bytes
  kClose = 4,          // leg, length, bytes
  kReset = 5,          // leg
  kGrant = 6,          // leg, bytes more that may be read ahead
  kSplice = 7,         // client, upstream, tunnel, idle, half close, lifetime, keep-alive in seconds, how long it was quiet already, bytes
                       // got from each, lengths, bytes, moved leg
  kReturn = 8,         // client, direction, length, bytes
  kCut = 9,            // client
  kListen = 10,        // listener, descriptor, is wildcard, interception, the first of those that serve alike
  kCloseListener = 11, // listener
  kAwaitDrain = 12,    // leg: say once nothing that was written waits any more
  kPromise = 13,       // client, tunnel, idle, half close, lifetime, keep-alive in seconds, bytes got from it and used, guard, how long
                       // an answer is awaited, lengths of both; reply, bytes to go up
  kAllowSilence = 14,  // listener, how long its clients may say nothing at all
  kDetach = 15,        // leg: give its descriptor up; nothing that was written may wait any more
  kLearn = 16,         // length; bytes, mask: how an answer may begin, numbered from 1 on in the order in which they come
  kRemember = 17,      // verdict, epoch, the first of the listeners that serve alike, end (lower 32 bits of the monotonic clock's ms), for how
                       // many tunnels, port, deadline of the dial, idle, half close, lifetime, keep-alive in seconds, guard, how long an
                       // answer is awaited, does the opening go up, place and length of the nonce, lengths of client, host, source, reply
                       // and opening; these, and the opening's mask
  kSpare = 18,         // how many; numbers for tunnels by verdicts
  kForget = 19,        // every verdict
};

enum Event : uint32_t {
  kAccepted = 1,       // leg, listener, how long ago, ports of remote, local and original; lengths of the three and of
                       // the data; all four
  kData = 2,           // leg, length, bytes
  kGone = 3,           // leg, is it lost: that, or its FIN has come, perhaps behind bytes that nobody has read
  kEnd = 4,            // leg: no more bytes
  kFailed = 5,         // leg: reset
  kDialed = 6,         // token, outcome, leg, local port, local length, local
  kTunnelEnded = 7,    // tunnel, how, times of the first byte down (0: none came) and of the end in ns (high and low words)
  kListenerClosed = 8, // listener
  kDrained = 9,        // leg: nothing that was written waits any more
  kJoined = 10,        // token, time at which it connected in ns (high and low word): the promised tunnel is up
  kSilenced = 11,      // leg: it has said nothing in its time, and was closed
  kShortage = 12,      // errno: clients were turned away for want of it
  kDetached = 13,      // leg, descriptor: JavaScript's from here on, behind all that was read from it
  kRepeated = 14,      // verdict, tunnel, its client, that one's port, times of accept, of the dial and at which it connected in ns (high
                       // and low words), length of the nonce; the nonce
  kForgotten = 15,     // verdict, was it no good: no tunnel will be made by it any more
  kTurnedAway = 16,    // listener, port and length of the client's address; that: it was closed as it came, for want of a descriptor
};

// How a listener gets clients that were going to another address, and so where that address is known: from conntrack, or from the socket.
enum class Interception : uint32_t {
  kNone = 0,
  kRedirect = 1,
  kTransparent = 2,
};

enum DialOutcome : uint32_t {
  kConnected = 0,
  kRefused = 1,
  kUnreachable = 2,
  kTimedOut = 3,
  kDialReset = 4,
  kExhausted = 5,
  kCancelled = 6,
  kAnswered = 7,       // connected, and the answer to the preface was read
  kNoSource = 8,       // this machine does not have the address to dial from
};

enum TunnelEnd : uint32_t {
  kClientClosed = 0,
  kUpstreamClosed = 1,
  kClientReset = 2,
  kUpstreamReset = 3,
  kIdle = 4,
  kHalfClose = 5,
  kLifetime = 6,
  kWasCut = 7,
};

// The name of a leg: the thread, the place in its table, and how often that place was used before. A command for a leg that is gone finds
// another generation, and does nothing.
struct LegId {
  uint32_t place;
  uint32_t generation;
};

constexpr uint32_t kIndexBits = 24;
constexpr uint32_t placeOf(uint32_t thread, uint32_t index) { return thread << kIndexBits | index; }
constexpr uint32_t threadOf(uint32_t place) { return place >> kIndexBits; }
constexpr uint32_t indexOf(uint32_t place) { return place & ((1u << kIndexBits) - 1); }

}  // namespace sallyport
