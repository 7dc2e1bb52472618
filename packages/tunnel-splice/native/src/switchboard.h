// What the data threads and the JavaScript thread share, and all that they share: mailboxes and counts.
#pragma once

#include <vector>

#include "counts.h"
#include "mailbox.h"
#include "sys.h"

namespace sallyport {

// Commands for one data thread, and what wakes it.
struct Inbox {
  Mailbox mailbox;
  int wakeup = -1;

  void leave(const uint32_t* record, size_t words) { mailbox.leave(record, words); }
  // Wakes the thread for what was left, if anything was.
  void call() {
    if (mailbox.waiting() > 0 && mailbox.signal()) sys::wake(wakeup);
  }

  void post(const uint32_t* record, size_t words) {
    if (mailbox.post(record, words)) sys::wake(wakeup);
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
