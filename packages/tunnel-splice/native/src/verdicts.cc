#include "verdicts.h"

#include <algorithm>
#include <utility>

#include "arrivals.h"
#include "listener.h"
#include "loop.h"

namespace sallyport {
namespace {

// Spreads what differs over all bits (the finisher of MurmurHash3). JavaScript bounds how many there are.
uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdu;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53u;
  return value ^ (value >> 33);
}

bool isLike(const Verdict& verdict, const HostKey& client, uint32_t listener, const char* bytes, size_t length) {
  const Beginning& opening = verdict.opening;
  if (verdict.listener != listener || !(verdict.client == client) || opening.bytes.size() != length) return false;
  return compare(opening, 0, bytes, length) == Likeness::kSame;
}

// True where its nonce is the one before.
bool isAgain(Verdict& verdict, const char* bytes) {
  const Nonce nonce = verdict.nonce;
  if (nonce.length == 0) return false;
  if (verdict.lastNonce.compare(0, std::string::npos, bytes + nonce.at, nonce.length) == 0) return true;
  verdict.lastNonce.assign(bytes + nonce.at, nonce.length);
  return false;
}

}  // namespace

void Verdicts::remember(Loop& loop, RecordReader& command) {
  const std::shared_ptr<Verdict> verdict(new Verdict{}, [&loop](const Verdict* forgotten) {
    loop.tell(Haste::kLate, kForgotten, forgotten->id, forgotten->wasNoGood).end();
    delete forgotten;
  });
  verdict->id = command.word();
  verdict->epoch = command.word();
  verdict->listener = command.word();
  verdict->begunAtMs = loop.nowMs;
  verdict->endsAtMs = loop.nowMs + static_cast<int32_t>(command.word() - static_cast<uint32_t>(loop.nowMs));
  verdict->left = command.word();
  verdict->half = verdict->left / 2;
  verdict->port = static_cast<uint16_t>(command.word());
  verdict->dialMs = command.word();
  verdict->limits.idleMs = command.word();
  verdict->limits.halfCloseMs = command.word();
  verdict->limits.lifetimeMs = command.word();
  verdict->limits.keepAliveSeconds = command.word();
  verdict->guard = command.word();
  verdict->answerMs = command.word();
  verdict->isSentUp = command.word() != 0;
  verdict->nonce.at = command.word();
  verdict->nonce.length = command.word();
  const uint32_t clientLength = command.word();
  const uint32_t hostLength = command.word();
  const uint32_t sourceLength = command.word();
  const uint32_t replyLength = command.word();
  const uint32_t openingLength = command.word();
  SocketAddress client;
  parseAddress(command.text(clientLength), 0, client);
  verdict->client = hostKeyOf(client);
  verdict->host = command.text(hostLength);
  verdict->source = command.text(sourceLength);
  verdict->reply = command.text(replyLength);
  verdict->opening.bytes = command.text(openingLength);
  verdict->opening.mask = command.text(openingLength);
  sweepAtMs_ = std::min(sweepAtMs_, verdict->endsAtMs);
  bucketOf(verdict->listener, verdict->client, openingLength).push_back(verdict);
  count_++;
}

void Verdicts::spare(RecordReader& command) {
  for (uint32_t left = command.word(); left > 0; left--) spares_.push_back(command.word());
}

std::shared_ptr<Verdict> Verdicts::take(Loop& loop, const Arrival& client, const char* bytes, size_t length, int64_t nowMs,
                                        uint32_t& tunnel) {
  if (count_ == 0 || spares_.empty()) return nullptr;
  const uint32_t listener = client.listener->first;
  const HostKey host = hostKeyOf(client.peer);
  Bucket& bucket = bucketOf(listener, host, length);
  const uint32_t epoch = loop.board.epoch.load(std::memory_order_acquire);
  for (size_t at = 0; at < bucket.size();) {
    const std::shared_ptr<Verdict> verdict = bucket[at];
    if (!isLike(*verdict, host, listener, bytes, length)) {
      at++;
      continue;
    }
    // Another one may hold by now.
    if (verdict->endsAtMs <= nowMs || verdict->epoch != epoch) {
      erase(bucket, at);
      continue;
    }
    if (isAgain(*verdict, bytes)) return nullptr;
    verdict->left--;
    if (verdict->left == 0) erase(bucket, at);
    tunnel = spares_.back();
    spares_.pop_back();
    return verdict;
  }
  return nullptr;
}

void Verdicts::forget(Verdict& verdict) {
  verdict.wasNoGood = true;
  Bucket& bucket = bucketOf(verdict.listener, verdict.client, verdict.opening.bytes.size());
  for (size_t at = 0; at < bucket.size(); at++) {
    if (bucket[at].get() == &verdict) return erase(bucket, at);
  }
}

void Verdicts::forgetAll() {
  for (Bucket& bucket : buckets_) bucket.clear();
  count_ = 0;
}

void Verdicts::sweep(int64_t nowMs) {
  if (nowMs < sweepAtMs_) return;
  sweepAtMs_ = TimerWheel::kNeverMs;
  for (Bucket& bucket : buckets_) {
    for (size_t at = bucket.size(); at-- > 0;) {
      const int64_t endsAtMs = bucket[at]->endsAtMs;
      if (endsAtMs <= nowMs) erase(bucket, at);
      else sweepAtMs_ = std::min(sweepAtMs_, endsAtMs);
    }
  }
}

// Of those that are alike the oldest stays the first, and is used up before the next.
void Verdicts::erase(Bucket& bucket, size_t at) {
  bucket.erase(bucket.begin() + static_cast<ptrdiff_t>(at));
  count_--;
}

Verdicts::Bucket& Verdicts::bucketOf(uint32_t listener, const HostKey& client, size_t length) {
  const uint64_t key = mix(client.high ^ mix(client.low ^ mix(uint64_t{listener} << 32 | length)));
  return buckets_[key % kBuckets];
}

}  // namespace sallyport
