// What two kinds of waker have in common in their dealings with libuv.
#pragma once

#include <uv.h>

template <typename Handle>
uv_handle_t* handleOf(Handle& handle) {
  return reinterpret_cast<uv_handle_t*>(&handle);
}

// Whether the handle keeps its loop running.
template <typename Handle>
void setKept(Handle& handle, bool isWanted) {
  if (isWanted) uv_ref(handleOf(handle));
  else uv_unref(handleOf(handle));
}
