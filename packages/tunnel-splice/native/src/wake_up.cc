#include "wake_up.h"

#include "uv_handles.h"

WakeUp* WakeUp::open(napi_env env, napi_value function) {
  uv_loop_t* uv = nullptr;
  if (napi_get_uv_event_loop(env, &uv) != napi_ok) return nullptr;
  auto* wakeUp = new WakeUp(env, function);
  if (uv_async_init(uv, &wakeUp->async_, [](uv_async_t* async) { static_cast<WakeUp*>(async->data)->call(); }) != 0) {
    delete wakeUp;
    return nullptr;
  }
  uv_prepare_init(uv, &wakeUp->prepare_);
  wakeUp->async_.data = wakeUp;
  wakeUp->prepare_.data = wakeUp;
  setKept(wakeUp->async_, false);
  setKept(wakeUp->prepare_, false);
  return wakeUp;
}

int WakeUp::begin(sallyport::Engine& engine) {
  engine_ = &engine;
  return -uv_prepare_start(&prepare_, [](uv_prepare_t* prepare) {
    auto* wakeUp = static_cast<WakeUp*>(prepare->data);
    wakeUp->commands.collect(*wakeUp->engine_);
  });
}

void WakeUp::keepAlive(bool isWanted) { setKept(async_, isWanted); }

void WakeUp::closeHandles() {
  uv_close(handleOf(async_), onClosed);
  uv_close(handleOf(prepare_), onClosed);
}

void WakeUp::onClosed(uv_handle_t* handle) {
  auto* wakeUp = static_cast<WakeUp*>(handle->data);
  if (--wakeUp->openHandles_ == 0) wakeUp->finish();
}
