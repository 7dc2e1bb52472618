// How the engine has JavaScript called when events wait, and how it comes to what JavaScript wants of it.
//
// Owner: the JavaScript thread; only `wake` is for any thread.
#pragma once

#include <memory>

#include "command_box.h"
#include "engine.h"
#include "js_call.h"

class Waker {
 public:
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  // From the next turn of libuv's loop on. 0, or an errno.
  virtual int begin(sallyport::Engine& engine) = 0;
  // One call of the function, for however many wakes came before it.
  virtual void wake() = 0;
  // Whether it keeps the process running. At first it does not.
  virtual void keepAlive(bool isWanted) = 0;
  // Nothing may wake it any more. `done` is called once nothing is left of it, unless it is null.
  void close(void (*done)(void*), void* context) {
    call_.reset();
    done_ = done;
    doneContext_ = context;
    closeHandles();
  }

  CommandBox commands;

 protected:
  Waker(napi_env env, napi_value function) : call_(std::make_unique<JsCall>(env, function)) {}
  virtual ~Waker() = default;
  virtual void closeHandles() = 0;

  bool isClosed() const { return call_ == nullptr; }
  void call() { (*call_)(); }
  // When the last handle has closed: its end.
  void finish() {
    if (done_ != nullptr) done_(doneContext_);
    delete this;
  }

 private:
  std::unique_ptr<JsCall> call_;
  void (*done_)(void*) = nullptr;
  void* doneContext_ = nullptr;
};
