// The N-API functions of the engine, and nothing else. They take numbers, strings and typed arrays (NAPI_VERSION 8, so that one binary
// serves every Node from 18 on).
//
// State lies in the instance data of one environment (the main thread, or a worker); there is no global. Cleanup hooks do not run on
// process.exit(): the threads then end with the process, and nothing here has a destructor that could run meanwhile.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <node_api.h>

#include <cstring>
#include <vector>

#include "child.h"
#include "datagram.h"
#include "engine.h"
#include "home.h"
#include "interfaces.h"
#include "wake_up.h"

namespace {

using sallyport::Engine;

struct Instance {
  Engine* engine = nullptr;
  Waker* waker = nullptr;
  napi_async_cleanup_hook_handle cleanUp = nullptr;
};

Instance& instanceOf(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Instance*>(data);
}

template <size_t kCount>
struct Arguments {
  napi_value values[kCount];

  Arguments(napi_env env, napi_callback_info info) {
    size_t count = kCount;
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  }
  napi_value operator[](size_t index) const { return values[index]; }
};

uint32_t toNumber(napi_env env, napi_value value) {
  uint32_t number = 0;
  napi_get_value_uint32(env, value, &number);
  return number;
}

int32_t toInteger(napi_env env, napi_value value) {
  int32_t number = 0;
  napi_get_value_int32(env, value, &number);
  return number;
}

std::string toText(napi_env env, napi_value value) {
  size_t length = 0;
  napi_get_value_string_utf8(env, value, nullptr, 0, &length);
  std::string text(length + 1, '\0');
  napi_get_value_string_utf8(env, value, &text[0], text.size(), &length);
  text.resize(length);
  return text;
}

napi_value elementOf(napi_env env, napi_value array, uint32_t index) {
  napi_value element = nullptr;
  napi_get_element(env, array, index, &element);
  return element;
}

template <typename Value>
std::vector<Value> toList(napi_env env, napi_value array, Value (*convert)(napi_env, napi_value)) {
  uint32_t length = 0;
  napi_get_array_length(env, array, &length);
  std::vector<Value> list;
  for (uint32_t index = 0; index < length; index++) list.push_back(convert(env, elementOf(env, array, index)));
  return list;
}

template <typename Element>
Element* toElements(napi_env env, napi_value value, size_t* length = nullptr) {
  void* data = nullptr;
  napi_get_typedarray_info(env, value, nullptr, length, &data, nullptr, nullptr);
  return static_cast<Element*>(data);
}

napi_value fromNumber(napi_env env, uint32_t number) {
  napi_value value = nullptr;
  napi_create_uint32(env, number, &value);
  return value;
}

// `done`, unless it is null, is called with `context` once nothing of the engine is left.
void stopEngine(Instance& instance, void (*done)(void*), void* context) {
  if (instance.engine == nullptr) {
    if (done != nullptr) done(context);
    return;
  }
  instance.engine->stop();
  delete instance.engine;
  instance.engine = nullptr;
  instance.waker->close(done, context);
  instance.waker = nullptr;
}

// On the thread that runs a loop.
void wakeJavaScript(void* waker) { static_cast<Waker*>(waker)->wake(); }

// Returns why it could not be started; null when it runs.
const char* startEngine(napi_env env, Instance& instance, size_t threads, napi_value onEvents) {
  if (instance.engine != nullptr) return "it runs already in this thread of Node.js";
  // A single loop runs on the JavaScript thread itself. With several, each has a thread, which must wake the JavaScript thread.
  if (threads == 1) instance.waker = Home::open(env, onEvents);
  else instance.waker = WakeUp::open(env, onEvents);
  if (instance.waker == nullptr) return "this thread of Node.js is about to end";
  instance.engine = new Engine(threads, wakeJavaScript, instance.waker);
  int error = instance.engine->start();
  if (error == 0) error = instance.waker->begin(*instance.engine);
  if (error == 0) return "";
  stopEngine(instance, nullptr, nullptr);
  return strerror(error);
}

// start(threads, onEvents): '' when the engine runs, else why not.
napi_value start(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const char* reason = startEngine(env, instanceOf(env), toNumber(env, arguments[0]), arguments[1]);
  napi_value result = nullptr;
  napi_create_string_latin1(env, reason, NAPI_AUTO_LENGTH, &result);
  return result;
}

// halt(): joins the threads and ends everything. The last events can still be drained.
napi_value halt(napi_env env, napi_callback_info) {
  const Instance& instance = instanceOf(env);
  if (instance.engine != nullptr) instance.engine->halt();
  return nullptr;
}

// stop(): ends everything, joins the threads and discards the last events.
napi_value stop(napi_env env, napi_callback_info) {
  stopEngine(instanceOf(env), nullptr, nullptr);
  return nullptr;
}

// listen(door, host, port, interception, passed descriptor or -1, thread or -1, is dual stack, is beside another, first door that serves
// alike):
// [errno, bound port, bound host, ...descriptors].
napi_value listen(napi_env env, napi_callback_info info) {
  const Arguments<9> arguments(env, info);
  bool isDualStack = false;
  bool isBeside = false;
  napi_get_value_bool(env, arguments[6], &isDualStack);
  napi_get_value_bool(env, arguments[7], &isBeside);
  const sallyport::DoorRequest request{
      toNumber(env, arguments[0]),
      toText(env, arguments[1]),
      static_cast<uint16_t>(toNumber(env, arguments[2])),
      toInteger(env, arguments[4]),
      toInteger(env, arguments[5]),
      static_cast<sallyport::Interception>(toNumber(env, arguments[3])),
      isDualStack,
      isBeside,
      toNumber(env, arguments[8]),
  };
  const sallyport::Door door = instanceOf(env).engine->listen(request);
  napi_value host = nullptr;
  napi_create_string_latin1(env, door.bound.host, door.bound.hostLength, &host);
  napi_value result = nullptr;
  napi_create_array_with_length(env, 3 + door.sockets.size(), &result);
  napi_set_element(env, result, 0, fromNumber(env, static_cast<uint32_t>(door.error)));
  napi_set_element(env, result, 1, fromNumber(env, door.bound.port));
  napi_set_element(env, result, 2, host);
  uint32_t place = 3;
  for (const int socket : door.sockets) {
    napi_set_element(env, result, place++, fromNumber(env, static_cast<uint32_t>(socket)));
  }
  return result;
}

// shareCommands(words: Uint32Array): the memory for commands from now on.
napi_value shareCommands(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const Instance& instance = instanceOf(env);
  if (instance.engine != nullptr) instance.waker->commands.share(toElements<uint32_t>(env, arguments[0]));
  return nullptr;
}

// collect(): takes the commands from that memory.
napi_value collect(napi_env env, napi_callback_info) {
  const Instance& instance = instanceOf(env);
  if (instance.engine != nullptr) instance.waker->commands.collect(*instance.engine);
  return nullptr;
}

// drain(words: Uint32Array): copies events into it and returns how many words.
napi_value drain(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Engine* engine = instanceOf(env).engine;
  if (engine == nullptr) return fromNumber(env, 0);
  size_t capacity = 0;
  auto* words = toElements<uint32_t>(env, arguments[0], &capacity);
  return fromNumber(env, static_cast<uint32_t>(engine->drain(words, capacity)));
}

// addCounts(page, pairs: Float64Array): the caller keeps the array alive until stop().
napi_value addCounts(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Engine* engine = instanceOf(env).engine;
  if (engine != nullptr) engine->addCounts(toNumber(env, arguments[0]), toElements<double>(env, arguments[1]));
  return nullptr;
}

// beginEpoch(epoch): verdicts of earlier epochs are not repeated any more.
napi_value beginEpoch(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Engine* engine = instanceOf(env).engine;
  if (engine != nullptr) engine->beginEpoch(toNumber(env, arguments[0]));
  return nullptr;
}

// keepAlive(wanted: boolean): whether what is open keeps the process running.
napi_value keepAlive(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  const Instance& instance = instanceOf(env);
  if (instance.engine == nullptr) return nullptr;
  bool isWanted = false;
  napi_get_value_bool(env, arguments[0], &isWanted);
  instance.waker->keepAlive(isWanted);
  return nullptr;
}

// isDualStack(descriptor): 1 for a socket of IPv6 that takes IPv4 clients too.
napi_value isDualStack(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return fromNumber(env, sallyport::sys::isDualStack(toInteger(env, arguments[0])) ? 1 : 0);
}

// countUnacked(descriptor): how many bytes sent on it the peer has not acknowledged.
napi_value countUnacked(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return fromNumber(env, sallyport::sys::countUnacked(toInteger(env, arguments[0])));
}

// hasFin(descriptor): 1 where the peer's FIN has come.
napi_value hasFin(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return fromNumber(env, sallyport::sys::hasFin(toInteger(env, arguments[0])) ? 1 : 0);
}

// keepUrgentInline(descriptor).
napi_value keepUrgentInline(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  sallyport::sys::keepUrgentInline(toInteger(env, arguments[0]));
  return nullptr;
}

// sharePort(descriptor).
napi_value sharePort(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  sallyport::sys::sharePort(toInteger(env, arguments[0]));
  return nullptr;
}

// watchPeer(descriptor, seconds), heedWindow(descriptor, seconds).
napi_value watchPeer(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  sallyport::sys::keepAlive(toInteger(env, arguments[0]), toNumber(env, arguments[1]));
  return nullptr;
}

napi_value heedWindow(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  sallyport::sys::heedWindow(toInteger(env, arguments[0]), toNumber(env, arguments[1]));
  return nullptr;
}

// sendDatagram(path, text): an errno.
napi_value sendDatagram(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  const int error = sallyport::sendDatagram(toText(env, arguments[0]), toText(env, arguments[1]));
  return fromNumber(env, static_cast<uint32_t>(error));
}

// startChild(path, arguments, environment, descriptors from 4 on): [errno, process id, descriptor to read its descriptor 3].
napi_value startChild(napi_env env, napi_callback_info info) {
  const Arguments<4> arguments(env, info);
  const sallyport::Child child = sallyport::startChild({
      toText(env, arguments[0]),
      toList(env, arguments[1], toText),
      toList(env, arguments[2], toText),
      toList(env, arguments[3], toInteger),
  });
  napi_value result = nullptr;
  napi_create_array_with_length(env, 3, &result);
  napi_set_element(env, result, 0, fromNumber(env, static_cast<uint32_t>(child.error)));
  napi_set_element(env, result, 1, fromNumber(env, static_cast<uint32_t>(child.pid)));
  napi_set_element(env, result, 2, fromNumber(env, static_cast<uint32_t>(child.channel)));
  return result;
}

// reapChild(process id): its status, or -1 while it runs.
napi_value reapChild(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  napi_value status = nullptr;
  napi_create_int32(env, sallyport::reapChild(toInteger(env, arguments[0])), &status);
  return status;
}

// tryForeignSource(): an errno.
napi_value tryForeignSource(napi_env env, napi_callback_info) {
  return fromNumber(env, static_cast<uint32_t>(-sallyport::sys::tryForeignSource()));
}

// machineAddresses(): [errno, ...IP addresses].
napi_value machineAddresses(napi_env env, napi_callback_info) {
  std::vector<sallyport::SocketAddress> addresses;
  const int error = sallyport::listAddresses(addresses);
  napi_value result = nullptr;
  napi_create_array_with_length(env, 1 + addresses.size(), &result);
  uint32_t place = 0;
  napi_set_element(env, result, place++, fromNumber(env, static_cast<uint32_t>(error)));
  for (const sallyport::SocketAddress& address : addresses) {
    const sallyport::AddressText text = sallyport::formatAddress(address);
    napi_value host = nullptr;
    napi_create_string_latin1(env, text.host, text.hostLength, &host);
    napi_set_element(env, result, place++, host);
  }
  return result;
}

// prctl(2) sets it for the calling thread alone, and V8's threads are older than JavaScript. A seccomp filter that is put on every thread
// copies the caller's no_new_privs to each (seccomp(2), SECCOMP_FILTER_FLAG_TSYNC). This filter allows everything.
uint32_t forbidNewPrivilegesOfAllThreads() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return static_cast<uint32_t>(errno);
  sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  sock_fprog program{1, &allow};
  // Without SPEC_ALLOW older kernels would slow the whole process down, for a filter that guards nothing.
  constexpr unsigned kFlags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  const long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags, &program);
  if (result < 0) return static_cast<uint32_t>(errno);
  // The result is the number of a thread that has a filter of its own already.
  return result == 0 ? 0 : EBUSY;
}

// forbidNewPrivileges(): an errno.
napi_value forbidNewPrivileges(napi_env env, napi_callback_info) {
  return fromNumber(env, forbidNewPrivilegesOfAllThreads());
}

void forget(void* data) {
  auto* instance = static_cast<Instance*>(data);
  napi_remove_async_cleanup_hook(instance->cleanUp);
  delete instance;
}

// The environment ends while the threads may still run. It waits until they have ended and its loop has none of our handles.
void cleanUp(napi_async_cleanup_hook_handle, void* data) {
  stopEngine(*static_cast<Instance*>(data), forget, data);
}

}  // namespace

NAPI_MODULE_INIT() {
  auto* instance = new Instance();
  napi_set_instance_data(env, instance, nullptr, nullptr);
  napi_add_async_cleanup_hook(env, cleanUp, instance, &instance->cleanUp);
  const napi_property_descriptor properties[] = {
      {"start", nullptr, start, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"halt", nullptr, halt, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"stop", nullptr, stop, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"listen", nullptr, listen, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"shareCommands", nullptr, shareCommands, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"collect", nullptr, collect, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"drain", nullptr, drain, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"addCounts", nullptr, addCounts, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"beginEpoch", nullptr, beginEpoch, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"keepAlive", nullptr, keepAlive, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"isDualStack", nullptr, isDualStack, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"countUnacked", nullptr, countUnacked, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"hasFin", nullptr, hasFin, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"keepUrgentInline", nullptr, keepUrgentInline, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"sharePort", nullptr, sharePort, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"watchPeer", nullptr, watchPeer, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"heedWindow", nullptr, heedWindow, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"tryForeignSource", nullptr, tryForeignSource, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"forbidNewPrivileges", nullptr, forbidNewPrivileges, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"startChild", nullptr, startChild, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"reapChild", nullptr, reapChild, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"machineAddresses", nullptr, machineAddresses, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"sendDatagram", nullptr, sendDatagram, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, sizeof(properties) / sizeof(properties[0]), properties);
  return exports;
}
