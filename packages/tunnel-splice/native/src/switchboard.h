// All that the data threads and the JavaScript thread share: mailboxes and counts.
#pragma once

#include <atomic>
#include <vector>

#include "counts.h"
#include "mailbox.h"
#include "sys.h"

namespace sallyport {

// Commands for one loop, and what wakes the thread that turns it.
struct Inbox {
  Mailbox mailbox;
  int wakeup = -1;
  // That is another thread than those which post, and may be asleep in the loop. Set before the thread looks at the mailbox for
  // the last time, so that of the two one sees the other.
  std::atomic<bool> isElsewhere{true};

  void rouse() {
    if (isElsewhere) sys::wake(wakeup);
  }

  void leave(const uint32_t* record, size_t words) { mailbox.leave(record, words); }
  // Wakes the thread for what was left, if anything was.
  void call() {
    if (mailbox.waiting() > 0 && mailbox.signal()) rouse();
  }

  void post(const uint32_t* record, size_t words) {
    if (mailbox.post(record, words)) rouse();
  }
};

struct Switchboard {
  // When JavaScript has not taken so many words of events, it is stalled: no further client is accepted until it has.
  static constexpr size_t kStalledWords = 2 * 1024 * 1024;

  std::vector<Inbox> inboxes;
  Mailbox outbox;
  Counts counts;
  void (*wakeJavaScript)(void* context) = nullptr;
  void* context = nullptr;

  explicit Switchboard(size_t threads) : inboxes(threads) {}

  void publish(const uint32_t* records, size_t words) {
    if (outbox.post(records, words)) wakeJavaScript(context);
  }
  // For JavaScript to find when it next comes by, or at `fetch`: it is told nothing.
  void leave(const uint32_t* records, size_t words) { outbox.leave(records, words); }
  void fetch() {
    if (outbox.waiting() > 0 && outbox.signal()) wakeJavaScript(context);
  }
  bool isStalled() const { return outbox.waiting() > kStalledWords; }
};

}  // namespace sallyport
