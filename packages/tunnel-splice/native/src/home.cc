#include "home.h"

namespace {

void doNothing(uv_idle_t*) {}

}  // namespace

Home* Home::open(napi_env env, napi_value function) {
  uv_loop_t* uv = nullptr;
  if (napi_get_uv_event_loop(env, &uv) != napi_ok) return nullptr;
  auto* home = new Home(env, function, uv);
  uv_prepare_init(uv, &home->prepare_);
  uv_idle_init(uv, &home->idle_);
  home->own(home->prepare_);
  home->own(home->idle_);
  return home;
}

int Home::begin(sallyport::Engine& engine) {
  engine_ = &engine;
  engine.loopOwner()->acquire();
  const int error = engine.firstLoop().setHost(uv_backend_fd(uv_));
  engine.loopOwner()->release();
  if (error < 0) return -error;
  uv_prepare_start(&prepare_, [](uv_prepare_t* prepare) { ownerOf<Home>(prepare).turnWhileFree(); });
  uv_idle_start(&idle_, doNothing);
  return 0;
}

void Home::turnWhileFree() {
  sallyport::LoopOwner& owner = *engine_->loopOwner();
  sallyport::Loop& loop = engine_->firstLoop();
  commands.collect(*engine_);
  owner.acquire();
  bool isFree = true;
  while (isFree) {
    const int patience = patienceMs();
    loop.turn(patience);
    uv_update_time(uv_);
    isFree = patience != 0 && !loop.isHostCalled;
    if (!isCalled_) continue;
    isCalled_ = false;
    owner.release();
    call();
    // The call may have stopped the engine.
    if (isClosed()) return;
    commands.collect(*engine_);
    owner.acquire();
  }
  owner.release();
}

int Home::patienceMs() {
  if (isCalled_) return 0;
  uv_idle_stop(&idle_);
  const int ms = uv_backend_timeout(uv_);
  uv_idle_start(&idle_, doNothing);
  return ms;
}

void Home::keepAlive(bool isWanted) { setKept(prepare_, isWanted); }

void Home::closeHandles() {
  closeHandle(prepare_);
  closeHandle(idle_);
}
