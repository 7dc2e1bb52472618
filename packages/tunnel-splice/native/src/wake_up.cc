#include "wake_up.h"

WakeUp* WakeUp::open(napi_env env, napi_value function) {
  uv_loop_s* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return nullptr;
  auto* wakeUp = new WakeUp(env);
  if (uv_async_init(loop, &wakeUp->async_, onAsync) != 0) {
    delete wakeUp;
    return nullptr;
  }
  wakeUp->async_.data = wakeUp;
  uv_unref(reinterpret_cast<uv_handle_t*>(&wakeUp->async_));
  napi_value resource = nullptr;
  napi_value name = nullptr;
  napi_create_object(env, &resource);
  napi_create_string_latin1(env, "sallyport", NAPI_AUTO_LENGTH, &name);
  napi_create_reference(env, function, 1, &wakeUp->function_);
  napi_create_reference(env, resource, 1, &wakeUp->resource_);
  napi_async_init(env, resource, name, &wakeUp->context_);
  return wakeUp;
}

void WakeUp::keepAlive(bool isWanted) {
  auto* handle = reinterpret_cast<uv_handle_t*>(&async_);
  if (isWanted) uv_ref(handle);
  else uv_unref(handle);
}

void WakeUp::close(void (*done)(void*), void* context) {
  done_ = done;
  doneContext_ = context;
  napi_async_destroy(env_, context_);
  napi_delete_reference(env_, function_);
  napi_delete_reference(env_, resource_);
  uv_close(reinterpret_cast<uv_handle_t*>(&async_), onClosed);
}

void WakeUp::onAsync(uv_async_t* async) {
  auto* self = static_cast<WakeUp*>(async->data);
  const napi_env env = self->env_;
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(env, &scope);
  napi_value resource = nullptr;
  napi_value function = nullptr;
  napi_get_reference_value(env, self->resource_, &resource);
  napi_get_reference_value(env, self->function_, &function);
  // Runs what the call has made ready (microtasks, next ticks) before it returns. The function may close this wake-up.
  if (napi_make_callback(env, self->context_, resource, function, 0, nullptr, nullptr) == napi_pending_exception) {
    napi_value error = nullptr;
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

void WakeUp::onClosed(uv_handle_t* handle) {
  auto* self = static_cast<WakeUp*>(handle->data);
  if (self->done_ != nullptr) self->done_(self->doneContext_);
  delete self;
}
