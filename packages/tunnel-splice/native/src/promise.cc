#include "promise.h"

#include <algorithm>
#include <cerrno>

#include "closing.h"
#include "loop.h"

namespace sallyport {
namespace {

// What is left of the promise's lifetime, which began when it was given.
TunnelLimits limitsNow(const Loop& loop, const Promise& promised) {
  TunnelLimits limits = promised.limits;
  if (limits.lifetimeMs == kNever) return limits;
  limits.lifetimeMs = static_cast<uint32_t>(std::max<int64_t>(0, promised.givenAtMs + limits.lifetimeMs - loop.nowMs));
  return limits;
}

}  // namespace

void promise(Loop& loop, Leg& client, RecordReader& command) {
  Promise promised{};
  promised.givenAtMs = loop.nowMs;
  promised.limits.index = command.word();
  promised.limits.idleMs = command.word();
  promised.limits.halfCloseMs = command.word();
  promised.limits.lifetimeMs = command.word();
  promised.limits.keepAliveSeconds = command.word();
  promised.awaitedUp = client.unspliced.sentUp - command.word();
  const uint32_t replyLength = command.word();
  const uint32_t upLength = command.word();
  promised.reply = command.text(replyLength);
  promised.up = command.text(upLength);
  client.isPromised = true;
  // What it says from here on is the tunnel's: nobody would note that it has broken its silence.
  TimerWheel::cancel(client.unspliced);
  loop.promises.insert_or_assign(client.id.place, std::move(promised));
}

void takeBack(Loop& loop, const Leg& client, const char* bytes, size_t length) {
  Promise& promised = loop.promises.at(client.id.place);
  promised.up.append(bytes, length);
  promised.awaitedUp -= static_cast<uint32_t>(length);
}

void forgetPromise(Loop& loop, Leg& client) {
  loop.promises.erase(client.id.place);
  client.isPromised = false;
}

Leg* findPromised(Loop& loop, LegId id) {
  Leg* client = loop.legs.find(id);
  if (client == nullptr || !client->isPromised) return nullptr;
  return client->hasFin || client->isLost ? nullptr : client;
}

ssize_t sendPromised(Loop& loop, const Leg& client, const Leg& upstream, const std::string& preface) {
  const Promise& promised = loop.promises.at(client.id.place);
  if (!preface.empty()) {
    const std::string all = preface + promised.up;
    return sys::send(upstream.fd, all.data(), all.size());
  }
  return sys::send(upstream.fd, promised.up.data(), promised.up.size());
}

void joinPromised(Loop& loop, Leg& client, Leg& upstream, const std::string& unsent, size_t sent) {
  const Promise promised = std::move(loop.promises.at(client.id.place));
  forgetPromise(loop, client);
  write(client, promised.reply.data(), promised.reply.size());
  client.out.discountAll();
  upstream.out.append(unsent.data(), unsent.size());
  upstream.out.discountAll();
  upstream.out.append(promised.up.data() + sent, promised.up.size() - sent);
  Tunnel& tunnel = join(loop, client, upstream, limitsNow(loop, promised), promised.awaitedUp, 0);
  tunnel.up().relayed = sent;
  loop.board.counts.store(tunnel.index, sent, 0);
  if (client.isCut) giveUp(loop, tunnel, kWasCut);
  else serveTunnel(loop, tunnel);
}

}  // namespace sallyport
