// How the engine calls JavaScript when events wait, and how it gets JavaScript's commands.
//
// Owner: the JavaScript thread; only `wake` is for any thread.
#pragma once

#include <uv.h>

#include <memory>

#include "command_box.h"
#include "engine.h"
#include "js_call.h"

class Waker {
 public:
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  // Begins with the next turn of libuv's loop. 0, or an errno.
  virtual int begin(sallyport::Engine& engine) = 0;
  // One call of the function, for however many wakes came before it.
  virtual void wake() = 0;
  // Whether it keeps the process running. At first it does not.
  virtual void keepAlive(bool isWanted) = 0;
  // Nothing may wake it any more. `done`, unless it is null, is called once nothing is left of it.
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

  // For a new handle of libuv: sets its data to this object, and lets it not keep its loop running.
  template <typename Handle>
  void own(Handle& handle) {
    handle.data = this;
    setKept(handle, false);
  }
  // The object of a handle.
  template <typename Self, typename Handle>
  static Self& ownerOf(const Handle* handle) {
    return *static_cast<Self*>(static_cast<Waker*>(handle->data));
  }
  template <typename Handle>
  static void setKept(Handle& handle, bool isWanted) {
    if (isWanted) uv_ref(reinterpret_cast<uv_handle_t*>(&handle));
    else uv_unref(reinterpret_cast<uv_handle_t*>(&handle));
  }
  // Called for each handle, once. The last call ends this object.
  template <typename Handle>
  void closeHandle(Handle& handle) {
    closing_++;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), [](uv_handle_t* closed) {
      auto* waker = static_cast<Waker*>(closed->data);
      if (--waker->closing_ > 0) return;
      if (waker->done_ != nullptr) waker->done_(waker->doneContext_);
      delete waker;
    });
  }

 private:
  int closing_ = 0;
  std::unique_ptr<JsCall> call_;
  void (*done_)(void*) = nullptr;
  void* doneContext_ = nullptr;
};
