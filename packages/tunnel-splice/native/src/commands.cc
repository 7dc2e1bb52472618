#include "commands.h"

#include <cstring>
#include <memory>
#include <utility>

#include "closing.h"
#include "dial.h"
#include "held.h"
#include "loop.h"

namespace sallyport {
namespace {

void obeyDial(Loop& loop, RecordReader& command) {
  DialRequest request;
  request.token = command.word();
  request.deadlineMs = command.word();
  request.port = static_cast<uint16_t>(command.word());
  const uint32_t hostLength = command.word();
  const uint32_t sourceLength = command.word();
  request.isTransparent = command.word() != 0;
  request.isToJoin = command.word() != 0;
  request.client = command.leg();
  request.isAnswerAwaited = command.word() != 0;
  const uint32_t prefaceLength = command.word();
  const uint32_t answerLength = command.word();
  request.host = command.text(hostLength);
  request.source = command.text(sourceLength);
  request.preface = command.text(prefaceLength);
  request.answer = command.text(answerLength);
  dial(loop, std::move(request));
}

void obeyWrite(Loop& loop, Leg& leg, RecordReader& command) {
  const uint32_t length = command.word();
  write(leg, command.bytes(length), length);
  if (!loop.awaitRoom(leg)) leg.isLost = leg.hasFailed = true;
  // After a failed write, what the peer sent before must still be read.
  if (leg.isLost) serveHeld(loop, leg);
}

void obeyClose(Loop& loop, Leg& leg, RecordReader& command) {
  const uint32_t length = command.word();
  write(leg, command.bytes(length), length);
  closeLingering(loop, leg);
}

void obeyAwaitDrain(Loop& loop, Leg& leg) {
  leg.isDrainAwaited = true;
  tellDrained(loop, leg);
}

void obeyGrant(Loop& loop, Leg& leg, RecordReader& command) {
  leg.unspliced.credit += command.word();
  serveHeld(loop, leg);
}

void obeyReturn(Loop& loop, Leg& client, RecordReader& command) {
  const bool isUp = command.word() == 0;
  const uint32_t length = command.word();
  if (client.isPromised) return takeBack(loop, client, command.bytes(length), length);
  if (client.state != LegState::kSpliced) return;
  Tunnel& tunnel = *client.spliced.tunnel;
  Leg& to = isUp ? *tunnel.upstream : client;
  to.out.append(command.bytes(length), length);
  (isUp ? tunnel.up() : tunnel.down()).awaited -= length;
  serveTunnel(loop, tunnel);
}

Leg* findHeld(Loop& loop, LegId id) {
  Leg* leg = loop.legs.find(id);
  return leg != nullptr && leg->state == LegState::kHeld ? leg : nullptr;
}

// A cut is posted directly to the client's thread, and may arrive before the splice.
void obeyCut(Loop& loop, Leg& client) {
  client.isCut = true;
  if (client.state == LegState::kSpliced) giveUp(loop, *client.spliced.tunnel, kWasCut);
}

// Both legs of a tunnel must be on one thread. A splice is posted to the upstream's thread. Where the client is on another, the upstream
// leg moves there inside the command: its last two words are the leg's address, and the leg is in neither table meanwhile.
void moveUpstream(Loop& loop, uint32_t* record) {
  RecordReader command(record);
  const LegId client = command.leg();
  Leg* leg = findHeld(loop, command.leg());
  if (leg != nullptr) {
    loop.unwatch(leg->fd);
    const Leg* moved = new Leg(std::move(*leg));
    loop.legs.retire(*leg);
    memcpy(record + record[0] - 2, &moved, sizeof(moved));
  }
  loop.board.inboxes[threadOf(client.place)].post(record, record[0]);
}

Leg* takeMovedLeg(uint32_t* record) {
  Leg* moved = nullptr;
  memcpy(&moved, record + record[0] - 2, sizeof(moved));
  return moved;
}

Leg& adopt(Loop& loop, std::unique_ptr<Leg> moved) {
  Leg& leg = loop.legs.add(std::move(*moved));
  if (loop.watch(leg) < 0) leg.isLost = leg.hasFailed = true;
  return leg;
}

// JavaScript had closed one of them before: the tunnel is over at once.
void refuseSplice(Loop& loop, uint32_t index, Leg* client, Leg* upstream) {
  loop.tell(Haste::kLate, kTunnelEnded, index, client == nullptr ? kClientClosed : kUpstreamClosed, Moment{0}, Moment{loop.nowNs}).end();
  if (client != nullptr) closeNow(loop, *client);
  if (upstream != nullptr) closeNow(loop, *upstream);
}

void obeySplice(Loop& loop, RecordReader& command) {
  uint32_t* record = command.record();
  const LegId clientId = command.leg();
  const LegId upstreamId = command.leg();
  Leg* moved = takeMovedLeg(record);
  if (moved == nullptr && threadOf(clientId.place) != loop.thread) return loop.postpone(record);
  Leg* upstream = moved == nullptr ? findHeld(loop, upstreamId) : &adopt(loop, std::unique_ptr<Leg>(moved));
  Leg* client = findHeld(loop, clientId);
  const uint32_t index = command.word();
  if (client == nullptr || upstream == nullptr) return refuseSplice(loop, index, client, upstream);
  if (client->isPromised) forgetPromise(loop, *client);
  const uint32_t idleMs = command.word();
  const uint32_t halfCloseMs = command.word();
  const uint32_t lifetimeMs = command.word();
  const uint32_t keepAliveSeconds = command.word();
  const uint32_t quietMs = command.word();
  const uint32_t awaitedUp = client->unspliced.sentUp - command.word();
  const uint32_t awaitedDown = upstream->unspliced.sentUp - command.word();
  const uint32_t upLength = command.word();
  const uint32_t downLength = command.word();
  client->out.discountAll();
  upstream->out.discountAll();
  upstream->out.append(command.bytes(upLength), upLength);
  client->out.append(command.bytes(downLength), downLength);
  const TunnelLimits limits{index, idleMs, halfCloseMs, lifetimeMs, keepAliveSeconds, quietMs};
  Tunnel& tunnel = join(loop, *client, *upstream, limits, loop.nowMs, awaitedUp, awaitedDown);
  if (downLength > 0 || awaitedDown > 0) tunnel.firstByteNs = loop.nowNs;
  if (client->isCut) giveUp(loop, tunnel, kWasCut);
  else serveTunnel(loop, tunnel);
}

void obeyForLeg(Loop& loop, RecordReader& command) {
  const LegId id = command.leg();
  if (threadOf(id.place) != loop.thread) return loop.postpone(command.record());
  Leg* leg = loop.legs.find(id);
  if (leg == nullptr) return;
  const bool isHeld = leg->state == LegState::kHeld;
  switch (command.kind()) {
    case kWrite:
      if (isHeld) obeyWrite(loop, *leg, command);
      return;
    case kClose:
      if (isHeld) obeyClose(loop, *leg, command);
      return;
    case kReset:
      if (isHeld) closeWithReset(loop, *leg);
      return;
    case kGrant:
      if (isHeld) obeyGrant(loop, *leg, command);
      return;
    case kAwaitDrain:
      if (isHeld) obeyAwaitDrain(loop, *leg);
      return;
    case kPromise:
      if (isHeld) promise(loop, *leg, command);
      return;
    case kDetach:
      if (isHeld) detach(loop, *leg);
      return;
    case kReturn:
      return obeyReturn(loop, *leg, command);
    case kCut:
      return obeyCut(loop, *leg);
  }
}

}  // namespace

void obey(Loop& loop, uint32_t* record) {
  RecordReader command(record);
  switch (command.kind()) {
    case kDial:
      return obeyDial(loop, command);
    case kCancelDial:
      return cancelDial(loop, command.word());
    case kSplice:
      return obeySplice(loop, command);
    case kListen: {
      const uint32_t id = command.word();
      const int fd = static_cast<int>(command.word());
      const bool isWildcard = command.word() != 0;
      const auto interception = static_cast<Interception>(command.word());
      return openListener(loop, id, fd, isWildcard, interception, command.word());
    }
    case kAllowSilence: {
      const uint32_t id = command.word();
      return allowSilence(loop, id, command.word());
    }
    case kCloseListener:
      return closeListener(loop, command.word());
    case kLearn: {
      const uint32_t length = command.word();
      const std::string bytes = command.text(length);
      loop.beginnings.push_back({bytes, command.text(length)});
      return;
    }
    case kRemember:
      return loop.verdicts.remember(loop, command);
    case kSpare:
      return loop.verdicts.spare(command);
    case kForget:
      return stopRepeating(loop);
    default:
      return obeyForLeg(loop, command);
  }
}

void passOn(Loop& loop, uint32_t* record) {
  RecordReader command(record);
  if (command.kind() == kSplice) return moveUpstream(loop, record);
  loop.board.inboxes[threadOf(command.leg().place)].post(record, command.size());
}

void abandon(uint32_t* record) {
  RecordReader command(record);
  if (command.kind() == kListen) {
    command.word();
    sys::close(static_cast<int>(command.word()));
  }
  if (command.kind() != kSplice) return;
  const std::unique_ptr<Leg> moved(takeMovedLeg(record));
  if (moved) sys::close(moved->fd);
}

}  // namespace sallyport
