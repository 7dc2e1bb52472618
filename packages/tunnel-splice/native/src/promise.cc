#include "promise.h"

#include <algorithm>
#include <cerrno>

#include "closing.h"
#include "dial.h"
#include "loop.h"

namespace sallyport {
namespace {

Promise& promiseOf(Loop& loop, const Leg& client) { return loop.promises.at(indexOf(client.id.place)); }

}  // namespace

void promise(Loop& loop, Leg& client, RecordReader& command) {
  Promise& promised = loop.promises.make(indexOf(client.id.place));
  promised.upAtMs = 0;
  promised.limits.index = command.word();
  promised.limits.idleMs = command.word();
  promised.limits.halfCloseMs = command.word();
  promised.limits.lifetimeMs = command.word();
  promised.limits.keepAliveSeconds = command.word();
  promised.awaitedUp = client.unspliced.sentUp - command.word();
  promised.guard = command.word();
  promised.answerMs = command.word();
  const uint32_t replyLength = command.word();
  const uint32_t upLength = command.word();
  promised.reply.append(command.bytes(replyLength), replyLength);
  promised.up.append(command.bytes(upLength), upLength);
  client.isPromised = true;
  // What it sends from here on goes to the tunnel, so its silence can no longer be judged here.
  TimerWheel::cancel(client.unspliced);
}

void takeBack(Loop& loop, const Leg& client, const char* bytes, size_t length) {
  Promise& promised = promiseOf(loop, client);
  promised.up.append(bytes, length);
  promised.awaitedUp -= static_cast<uint32_t>(length);
}

void takePromise(Loop& loop, Leg& client) {
  loop.promises.erase(indexOf(client.id.place));
  client.isPromised = false;
}

void forgetPromise(Loop& loop, Leg& client) {
  Leg* answering = findAnswering(loop, client);
  const uint32_t index = promiseOf(loop, client).limits.index;
  takePromise(loop, client);
  if (answering != nullptr) abandonAnswering(loop, *answering, index);
}

Leg* findPromised(Loop& loop, LegId id) {
  Leg* client = loop.legs.find(id);
  if (client == nullptr || !client->isPromised || client->hasFin || client->isLost) return nullptr;
  return findAnswering(loop, *client) == nullptr ? client : nullptr;
}

ssize_t sendPromised(Loop& loop, const Leg& client, const Leg& upstream, const std::string& preface) {
  const ByteQueue& up = promiseOf(loop, client).up;
  if (preface.empty()) return sys::send(upstream.fd, up.data(), up.size());
  if (up.empty()) return sys::send(upstream.fd, preface.data(), preface.size());
  std::string all;
  all.reserve(preface.size() + up.size());
  all.append(preface);
  all.append(up.data(), up.size());
  return sys::send(upstream.fd, all.data(), all.size());
}

size_t queuePromised(Loop& loop, const Leg& client, Leg& upstream, const std::string& preface, size_t sent) {
  const ByteQueue& up = promiseOf(loop, client).up;
  const size_t prefaceSent = std::min(sent, preface.size());
  const size_t upSent = sent - prefaceSent;
  upstream.out.append(preface.data() + prefaceSent, preface.size() - prefaceSent);
  upstream.out.discountAll();
  upstream.out.append(up.data() + upSent, up.size() - upSent);
  return upSent;
}

void joinPromised(Loop& loop, Leg& client, Leg& upstream, uint64_t relayed, const char* bytes, size_t length) {
  const Promise promised = std::move(promiseOf(loop, client));
  takePromise(loop, client);
  write(client, promised.reply.data(), promised.reply.size());
  client.out.discountAll();
  const int64_t upAtMs = promised.upAtMs == 0 ? loop.nowMs : promised.upAtMs;
  Tunnel& tunnel = join(loop, client, upstream, promised.limits, upAtMs, promised.awaitedUp, 0);
  tunnel.up().relayed = relayed;
  if (length > 0) relayRead(upstream, client, bytes, length, loop.nowMs);
  loop.board.counts.store(tunnel.index, relayed, tunnel.down().relayed);
  if (client.isCut) giveUp(loop, tunnel, kWasCut);
  else serveTunnel(loop, tunnel);
}

bool isGuarded(Loop& loop, const Leg& client) { return promiseOf(loop, client).guard != 0; }

const Beginning& guardOf(Loop& loop, const Leg& client) {
  return loop.beginnings.at(promiseOf(loop, client).guard - 1);
}

bool hasSpokenSince(Loop& loop, const Leg& client) { return promiseOf(loop, client).awaitedUp > 0; }

int64_t keepForAnswer(Loop& loop, const Leg& client, Leg& upstream) {
  Promise& promised = promiseOf(loop, client);
  promised.answering = &upstream;
  promised.upAtMs = loop.nowMs;
  // The tunnel's own time runs from here on, and ends the wait.
  const uint32_t waitMs = std::min({promised.answerMs, promised.limits.idleMs, promised.limits.lifetimeMs});
  return waitMs == kNever ? TimerWheel::kNeverMs : loop.nowMs + waitMs;
}

Leg* findAnswering(Loop& loop, const Leg& client) { return promiseOf(loop, client).answering; }

void forgetAnswering(Loop& loop, const Leg& client) { promiseOf(loop, client).answering = nullptr; }

}  // namespace sallyport
