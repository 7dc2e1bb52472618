#include "repeat.h"

#include <memory>
#include <utility>
#include <vector>

#include "closing.h"
#include "dial.h"
#include "held.h"
#include "loop.h"

namespace sallyport {
namespace {

// A dial's token is its tunnel's number, apart from the tokens of JavaScript.
uint32_t tokenOf(uint32_t tunnel) { return kByVerdict | tunnel; }
uint32_t tunnelOf(const DialUnderWay& dial) { return dial.leg->unspliced.dialToken & ~kByVerdict; }

void promise(Loop& loop, Leg& client, const Verdict& verdict, uint32_t tunnel, size_t received) {
  Promise& promised = loop.promises.make(indexOf(client.id.place));
  promised.limits = verdict.limits;
  promised.limits.index = tunnel;
  promised.guard = verdict.guard;
  promised.answerMs = verdict.answerMs;
  promised.reply.append(verdict.reply.data(), verdict.reply.size());
  if (verdict.isSentUp) promised.up.append(loop.buffer.get(), received);
  client.isPromised = true;
  TimerWheel::cancel(client.unspliced);
}

// JavaScript gives the next verdict when half of one is used. The other half lasts for as long again, and JavaScript is to hear of it sooner.
Haste hasteOf(const Loop& loop, Verdict& verdict) {
  verdict.made++;
  if (verdict.made != verdict.half) return Haste::kLate;
  const int64_t lastsMs = loop.nowMs - verdict.begunAtMs;
  return lastsMs > kLateMs ? Haste::kLate : lastsMs > 4 * kSoonMs ? Haste::kSoon : Haste::kAtOnce;
}

}  // namespace

bool repeat(Loop& loop, Leg& client, size_t received) {
  if (loop.verdicts.empty() || client.hasFin || client.isLost) return false;
  // No event has told of its FIN. It may have left, which is JavaScript's to judge.
  if (loop.unwatched == &client && sys::hasFin(client.fd)) return false;
  const Arrival* arrival = loop.arrivals.find(client);
  uint32_t tunnel = 0;
  if (arrival == nullptr) return false;
  // This thread may have been put aside since the turn began.
  const int64_t begunNs = sys::monotonicNs();
  const std::shared_ptr<Verdict> verdict =
      loop.verdicts.take(loop, *arrival, loop.buffer.get(), received, begunNs / 1'000'000, tunnel);
  if (verdict == nullptr) return false;
  DialRequest request{};
  request.token = tokenOf(tunnel);
  request.deadlineMs = verdict->dialMs;
  request.port = verdict->port;
  request.host = verdict->host;
  request.source = verdict->source;
  request.isToJoin = true;
  request.client = client.id;
  request.repeat = std::make_unique<Repeat>(Repeat{*arrival, verdict, begunNs, {}});
  if (!verdict->isSentUp) request.repeat->withheld.assign(loop.buffer.get(), received);
  loop.arrivals.remove(client);
  promise(loop, client, *verdict, tunnel, received);
  // The tunnel may be up before this returns, and what follows then belongs to it.
  const bool isUnwatched = loop.unwatched == &client;
  if (isUnwatched) loop.unwatched = nullptr;
  if (isUnwatched && loop.watch(client) != 0) client.isLost = client.hasFailed = true;
  dial(loop, std::move(request));
  return true;
}

void tellRepeated(Loop& loop, const Leg& client, const DialUnderWay& dial) {
  const Repeat& repeat = *dial.repeat;
  const Nonce nonce = repeat.verdict->nonce;
  const Moment accepted{repeat.arrival.atMs * 1'000'000};
  const bool isSentUp = repeat.verdict->isSentUp;
  const char* opening = isSentUp ? loop.promises.at(indexOf(client.id.place)).up.data() : repeat.withheld.data();
  loop
      .tell(hasteOf(loop, *repeat.verdict), kRepeated, repeat.verdict->id, tunnelOf(dial), client.id, portOf(repeat.arrival.peer),
            accepted, Moment{repeat.begunNs}, Moment{dial.connectedNs}, nonce.length)
      .bytes(opening + nonce.at, nonce.length)
      .end();
}

void handOver(Loop& loop, LegId id, const Repeat& repeat, size_t said) {
  Leg& client = *loop.legs.find(id);  // nobody closes a leg that JavaScript has not heard of
  Promise& promised = loop.promises.at(indexOf(id.place));
  loop.verdicts.giveBack(promised.limits.index);
  const ByteQueue up = std::move(promised.up);
  takePromise(loop, client);
  const std::string& withheld = repeat.withheld;
  if (withheld.empty()) loop.arrivals.announce(loop, repeat.arrival, up.data(), up.size());
  else loop.arrivals.announce(loop, repeat.arrival, withheld.data(), withheld.size());
  if (said > 0) tellRead(loop, client, loop.buffer.get(), said);
  serveHeld(loop, client);
}

void dropRepeat(Loop& loop, Leg& upstream, size_t said) {
  DialUnderWay& dial = loop.dialOf(upstream);
  const LegId client = dial.clientId;
  const std::unique_ptr<Repeat> repeat = std::move(dial.repeat);
  loop.endDial(upstream);
  closeNow(loop, upstream);
  handOver(loop, client, *repeat, said);
}

void giveUpRepeat(Loop& loop, Leg& upstream, size_t said) {
  loop.verdicts.forget(*loop.dialOf(upstream).repeat->verdict);
  dropRepeat(loop, upstream, said);
}

void dropRepeatFor(Loop& loop, const Leg& client) {
  dropRepeat(loop, *loop.repeats.at(loop.promises.at(indexOf(client.id.place)).limits.index).leg, 0);
}

void stopRepeating(Loop& loop) {
  loop.verdicts.forgetAll();
  std::vector<Leg*> dialling;
  loop.repeats.forEach([&](const DialUnderWay& dial) { dialling.push_back(dial.leg); });
  for (Leg* leg : dialling) dropRepeat(loop, *leg, 0);
  // Clients may wait until all that was repeated is in the books.
  loop.tellAtOnce();
}

}  // namespace sallyport
