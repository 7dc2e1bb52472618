#include "wake_up.h"

WakeUp* WakeUp::open(napi_env env, napi_value function) {
  uv_loop_t* uv = nullptr;
  if (napi_get_uv_event_loop(env, &uv) != napi_ok) return nullptr;
  auto* wakeUp = new WakeUp(env, function);
  if (uv_async_init(uv, &wakeUp->async_, [](uv_async_t* async) { ownerOf<WakeUp>(async).call(); }) != 0) {
    delete wakeUp;
    return nullptr;
  }
  uv_prepare_init(uv, &wakeUp->prepare_);
  wakeUp->own(wakeUp->async_);
  wakeUp->own(wakeUp->prepare_);
  return wakeUp;
}

int WakeUp::begin(sallyport::Engine& engine) {
  engine_ = &engine;
  return -uv_prepare_start(&prepare_, [](uv_prepare_t* prepare) {
    auto& wakeUp = ownerOf<WakeUp>(prepare);
    wakeUp.commands.collect(*wakeUp.engine_);
  });
}

void WakeUp::keepAlive(bool isWanted) { setKept(async_, isWanted); }

void WakeUp::closeHandles() {
  closeHandle(async_);
  closeHandle(prepare_);
}
