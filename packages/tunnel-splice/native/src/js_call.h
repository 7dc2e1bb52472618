// The JavaScript function that takes events. It is called on its own thread, outside of any other JavaScript.
#pragma once

#include <node_api.h>

class JsCall {
 public:
  JsCall(napi_env env, napi_value function);
  JsCall(const JsCall&) = delete;
  JsCall& operator=(const JsCall&) = delete;
  ~JsCall();

  // Before it returns it runs what the call has queued (microtasks, next ticks). The function may destroy its caller.
  void operator()();

 private:
  napi_env env_;
  napi_ref function_ = nullptr;
  napi_ref resource_ = nullptr;
  napi_async_context context_ = nullptr;
};
