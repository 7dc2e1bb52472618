// How data threads wake JavaScript: one libuv handle, and one call of a function for however many wakes came before it.
//
// Not a threadsafe function of N-API: that one wakes the other thread while it holds the lock which the other needs first, and on
// a shared core each wake-up then costs two switches more. Owner: the JavaScript thread; only `wake` is for any thread.
#pragma once

#include <node_api.h>
#include <uv.h>

class WakeUp {
 public:
  // Null where the environment has no event loop any more. It does not keep the process running, until `keepAlive`.
  static WakeUp* open(napi_env env, napi_value function);

  void wake() { uv_async_send(&async_); }
  void keepAlive(bool isWanted);
  // Nothing may wake it any more. `done` is called once nothing is left of it, unless it is null.
  void close(void (*done)(void*), void* context);

 private:
  explicit WakeUp(napi_env env) : env_(env) {}
  ~WakeUp() = default;
  static void onAsync(uv_async_t* async);
  static void onClosed(uv_handle_t* handle);

  napi_env env_;
  uv_async_t async_{};
  napi_ref function_ = nullptr;
  napi_ref resource_ = nullptr;
  napi_async_context context_ = nullptr;
  void (*done_)(void*) = nullptr;
  void* doneContext_ = nullptr;
};
