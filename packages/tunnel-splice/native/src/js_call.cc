#include "js_call.h"

JsCall::JsCall(napi_env env, napi_value function) : env_(env) {
  napi_value resource = nullptr;
  napi_value name = nullptr;
  napi_create_object(env, &resource);
  napi_create_string_latin1(env, "sallyport", NAPI_AUTO_LENGTH, &name);
  napi_create_reference(env, function, 1, &function_);
  napi_create_reference(env, resource, 1, &resource_);
  napi_async_init(env, resource, name, &context_);
}

JsCall::~JsCall() {
  napi_async_destroy(env_, context_);
  napi_delete_reference(env_, function_);
  napi_delete_reference(env_, resource_);
}

void JsCall::operator()() {
  const napi_env env = env_;
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(env, &scope);
  napi_value resource = nullptr;
  napi_value function = nullptr;
  napi_get_reference_value(env, resource_, &resource);
  napi_get_reference_value(env, function_, &function);
  if (napi_make_callback(env, context_, resource, function, 0, nullptr, nullptr) == napi_pending_exception) {
    napi_value error = nullptr;
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}
