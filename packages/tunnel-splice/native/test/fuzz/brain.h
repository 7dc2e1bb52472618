// The part of JavaScript: promises, dials, splices, and the other commands, at any moment.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "../../src/engine.h"
#include "dice.h"
#include "orders.h"
#include "preface.h"

namespace sallyport {

class Brain {
 public:
  Brain(Engine& engine, uint16_t originPort) : orders_(engine), originPort_(originPort) {}

  void step() {
    uint32_t words[64 * 1024];
    while (const size_t count = orders_.drain(words, 64 * 1024)) {
      for (size_t at = 0; at < count; at += words[at]) hear(words + at);
    }
    while (!tunnels_.empty() && dice(300) == 0) cutOne();
    for (const auto& [token, attempt] : dials_) {
      if (dice(200) == 0) orders_.send(attempt.thread, kCancelDial, token);
    }
    if (!isDoorClosing_ && verdicts_.size() < 4 && dice(20) == 0) remember();
    if (dice(400) == 0) orders_.forgetVerdicts();
    orders_.flush();
  }

  void closeDoor() {
    isDoorClosing_ = true;
    for (uint32_t thread = 0; thread < threads; thread++) orders_.send(thread, kCloseListener, kDoor);
    orders_.flush();
  }

  bool isQuiet() const { return tunnels_.empty() && dials_.empty() && verdicts_.empty() && doorsClosed == threads; }

  size_t doorsClosed = 0;
  size_t tunnelsEnded = 0;
  size_t tunnelsRepeated = 0;

 private:
  using Legs = std::map<uint32_t, HeldLeg>;

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
      case kRepeated:
        return repeated(event);
      case kForgotten:
        return forgotten(event.word());
      case kShortage:
      case kTurnedAway:
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
    REQUIRE(!wasRepeated(id));
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
    if (dice(20) == 0) return orders_.send(threadOf(id.place), kDetach, id);
    const bool isToJoin = dice(2) == 0;
    const bool isAsking = dice(2) == 0;
    if (isToJoin) orders_.promise(legs_[id.place], nextTunnel_++, isAsking);
    dial(id, isToJoin, isAsking);
    if (isToJoin && dice(10) == 0) dial(id, isToJoin, isAsking);  // a race: one of them joins
  }

  // The threads give numbers back that they have not used.
  void remember() {
    const uint32_t verdict = nextVerdict_++;
    verdicts_[verdict] = threads;
    for (uint32_t thread = 0; thread < threads; thread++) {
      orders_.remember(verdict, thread, originPort_);
      for (; spares_[thread] < kSpares; spares_[thread]++) orders_.send(thread, kSpare, 1, nextTunnel_++);
    }
  }

  // Its client was never announced, and is not known here but as the name of its tunnel.
  void repeated(RecordReader& event) {
    REQUIRE(verdicts_.count(event.word()) == 1);
    const int tunnel = static_cast<int>(event.word());
    const LegId client = event.leg();
    REQUIRE(find(client) == nullptr && tunnels_.count(tunnel) == 0 && !wasRepeated(client));
    repeated_[client.place] = client.generation;
    tunnels_[tunnel] = {client, client};
    spares_[threadOf(client.place)]--;
    tunnelsRepeated++;
  }

  void forgotten(uint32_t verdict) {
    const auto found = verdicts_.find(verdict);
    REQUIRE(found != verdicts_.end());
    found->second--;
    if (found->second == 0) verdicts_.erase(found);
  }

  bool wasRepeated(LegId id) {
    const auto found = repeated_.find(id.place);
    return found != repeated_.end() && found->second == id.generation;
  }

  void dial(LegId client, bool isToJoin, bool isAsking) {
    const Asked asked = diceAsked();
    const uint32_t token = nextToken_++;
    const auto thread = static_cast<uint32_t>(isToJoin ? threadOf(client.place) : token % threads);
    const Attempt attempt{client, thread, isToJoin, isAsking, asked};
    dials_[token] = attempt;
    orders_.dial(token, attempt, originPort_);
  }

  // Its client leg is forgotten here with the tunnel, as if JavaScript had spliced it.
  void joined(RecordReader& event) {
    const uint32_t token = event.word();
    const Attempt attempt = takeAttempt(token);
    // No other answer passes for the expected one.
    REQUIRE(!attempt.isAsking || attempt.asked == Asked::kUsual);
    HeldLeg* client = find(attempt.client);
    REQUIRE(client != nullptr && client->promised >= 0 && client->tunnel < 0 && client->unread.empty());
    client->tunnel = client->promised;
    tunnels_[client->tunnel] = {client->id, client->id};
  }

  void data(LegId id, const char* bytes, uint32_t length) {
    HeldLeg* leg = find(id);
    if (leg == nullptr) return;
    leg->received += length;
    if (leg->tunnel < 0 && leg->promised >= 0 && !leg->isKept) return orders_.sendBack(*leg, leg->id, leg->id, bytes, length);
    if (leg->tunnel < 0) {
      leg->unread.insert(leg->unread.end(), bytes, bytes + length);
      if (leg->isHeardOut) hearOut(*leg);
      return;
    }
    const Tunnel& tunnel = tunnels_.at(leg->tunnel);
    REQUIRE(tunnel.client.place != tunnel.upstream.place);  // nothing comes of a client that was joined
    orders_.sendBack(*leg, tunnel.client, tunnel.upstream, bytes, length);
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
    if (leg == nullptr || leg->tunnel >= 0) return;
    // The upstream can no longer answer.
    if (leg->isHeardOut) return endBoth(leg->other, id);
    if (dice(3) == 0) end(id);
  }

  void dialed(RecordReader& event) {
    const Attempt attempt = takeAttempt(event.word());
    const uint32_t outcome = event.word();
    const LegId upstream = event.leg();
    HeldLeg* client = find(attempt.client);
    if (outcome != kConnected && outcome != kAnswered) {
      if (client != nullptr && client->tunnel < 0 && !isDialledFor(client->id)) end(client->id);
      return;
    }
    HeldLeg leg{upstream, {}};
    leg.isUpstream = true;
    legs_[upstream.place] = leg;
    if (client == nullptr || dice(20) == 0) return endBoth(attempt.client, upstream);
    takeBack(*client, outcome);
    if (outcome == kAnswered || !attempt.isAsking) return splice(*client, legs_[upstream.place]);
    // Its deadline has passed, and no answer will come.
    if (attempt.asked == Asked::kNothing) return endBoth(client->id, upstream);
    legs_[upstream.place].isHeardOut = true;
    legs_[upstream.place].other = client->id;
  }

  // A promised client is handed back: the tunnel is to be spliced here. Its first bytes were not sent unless the expected answer has
  // arrived.
  void takeBack(HeldLeg& client, uint32_t outcome) {
    REQUIRE(client.promised < 0 || client.isKept);
    REQUIRE(outcome != kAnswered || client.isAsking);
    if (client.promised >= 0 && client.isAsking && outcome == kConnected) {
      client.unread.insert(client.unread.begin(), client.given.begin(), client.given.end());
    }
    client.promised = -1;
  }

  // JavaScript accepts any answer of the right length.
  void hearOut(HeldLeg& upstream) {
    if (upstream.unread.size() < kAnswerLength) return;
    HeldLeg* client = find(upstream.other);
    if (client == nullptr) return end(upstream.id);
    const std::string answer(upstream.unread.begin(), upstream.unread.begin() + kAnswerLength);
    REQUIRE(answer == answerTo(Asked::kUsual) || answer == answerTo(Asked::kOther));
    upstream.unread.erase(upstream.unread.begin(), upstream.unread.begin() + kAnswerLength);
    upstream.isHeardOut = false;
    splice(*client, upstream);
  }

  Attempt takeAttempt(uint32_t token) {
    const auto found = dials_.find(token);
    REQUIRE(found != dials_.end());
    const Attempt attempt = found->second;
    dials_.erase(found);
    return attempt;
  }

  bool isDialledFor(LegId client) {
    const auto isFor = [&](const auto& dial) { return dial.second.client.place == client.place; };
    const auto isOther = [&](const auto& leg) { return leg.second.isHeardOut && leg.second.other.place == client.place; };
    return std::any_of(dials_.begin(), dials_.end(), isFor) || std::any_of(legs_.begin(), legs_.end(), isOther);
  }

  void splice(HeldLeg& client, HeldLeg& upstream) {
    const int tunnel = nextTunnel_++;
    orders_.splice(client, upstream, static_cast<uint32_t>(tunnel));
    client.tunnel = upstream.tunnel = tunnel;
    tunnels_[tunnel] = {client.id, upstream.id};
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
    orders_.send(threadOf(tunnel->second.client.place), kCut, tunnel->second.client);
  }

  void end(LegId id) {
    const uint32_t thread = threadOf(id.place);
    if (dice(2) == 0) orders_.send(thread, kReset, id);
    else orders_.send(thread, kClose, id, 0);
    forget(id);
  }

  void endBoth(LegId client, LegId upstream) {
    if (find(upstream) != nullptr) end(upstream);
    const HeldLeg* leg = find(client);
    if (leg != nullptr && leg->tunnel < 0) end(client);
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

  Orders orders_;
  const uint16_t originPort_;
  Legs legs_;
  std::map<uint32_t, Attempt> dials_;
  std::map<int, Tunnel> tunnels_;
  static constexpr uint32_t kSpares = 30;
  uint32_t spares_[2] = {0, 0};
  std::map<uint32_t, size_t> verdicts_;        // by how many threads each is held
  std::map<uint32_t, uint32_t> repeated_;      // the last client of each place that was repeated, by its generation
  bool isDoorClosing_ = false;
  uint32_t nextVerdict_ = 0;
  uint32_t nextToken_ = 0;
  int nextTunnel_ = 0;
};

}  // namespace sallyport
