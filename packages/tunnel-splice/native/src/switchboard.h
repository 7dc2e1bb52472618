// All that the data threads and the JavaScript thread share: mailboxes and counts.
#pragma once

#include <atomic>
#include <vector>

#include "counts.h"
#include "mailbox.h"
#include "sys.h"

namespace sallyport {

// Commands for one loop, and how to wake the thread that runs it.
struct Inbox {
  Mailbox mailbox;
  int wakeup = -1;
  // Whether the thread that runs the loop is another one than the sender, and may sleep in it. It is set before that thread looks at the
  // mailbox for the last time, so that one of the two sees the other.
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
  // When so many words of events wait for JavaScript, it is stalled: no further client is accepted until it has taken them.
  static constexpr size_t kStalledWords = 2 * 1024 * 1024;

  std::vector<Inbox> inboxes;
  Mailbox outbox;
  Counts counts;
  // Verdicts of an earlier epoch are not repeated any more, from the moment on at which JavaScript has begun the next one.
  std::atomic<uint32_t> epoch{0};
  void (*wakeJavaScript)(void* context) = nullptr;
  void* context = nullptr;

  explicit Switchboard(size_t threads) : inboxes(threads) {}

  // Leaves events for JavaScript without waking it.
  void leave(const uint32_t* records, size_t words) { outbox.leave(records, words); }
  // Wakes JavaScript for what was left, if anything was.
  void call() {
    if (outbox.waiting() > 0 && outbox.signal()) wakeJavaScript(context);
  }
  bool isStalled() const { return outbox.waiting() > kStalledWords; }
};

}  // namespace sallyport
