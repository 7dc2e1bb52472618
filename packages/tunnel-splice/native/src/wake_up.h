// Wakes JavaScript from data threads that run loops of their own.
//
// Not a threadsafe function of N-API: that wakes the other thread while it holds the lock which the other needs first. On a shared core
// each wake-up then costs two more context switches.
#pragma once

#include <uv.h>

#include "waker.h"

class WakeUp final : public Waker {
 public:
  // Null where the environment has no event loop any more.
  static WakeUp* open(napi_env env, napi_value function);

  int begin(sallyport::Engine& engine) override;
  void wake() override { uv_async_send(&async_); }
  void keepAlive(bool isWanted) override;

 private:
  using Waker::Waker;
  void closeHandles() override;

  uv_async_t async_{};
  uv_prepare_t prepare_{};  // before each wait of libuv, commands are collected
  sallyport::Engine* engine_ = nullptr;
};
