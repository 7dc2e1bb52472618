// Runs the engine's only loop on the JavaScript thread, in place of libuv's wait.
//
// A prepare handle is called before libuv polls, and an idle handle keeps that poll from waiting. The wait for both loops is here:
// libuv's descriptor is among ours, and its next timer bounds our wait. While bytes are only relayed, control does not return to libuv.
// `uv_backend_timeout` is 0 when libuv has something to do at once, such as a descriptor that it does not poll yet.
#pragma once

#include <uv.h>

#include <atomic>

#include "waker.h"

class Home final : public Waker {
 public:
  // Null where the environment has no event loop any more.
  static Home* open(napi_env env, napi_value function);
  int begin(sallyport::Engine& engine) override;
  void wake() override { isCalled_ = true; }
  void keepAlive(bool isWanted) override;

 private:
  Home(napi_env env, napi_value function, uv_loop_t* uv) : Waker(env, function), uv_(uv) {}
  void closeHandles() override;
  void turnWhileFree();
  int patienceMs();

  uv_loop_t* uv_;
  uv_prepare_t prepare_{};
  uv_idle_t idle_{};
  sallyport::Engine* engine_ = nullptr;
  std::atomic<bool> isCalled_{false};  // by a stand-in, perhaps
};
