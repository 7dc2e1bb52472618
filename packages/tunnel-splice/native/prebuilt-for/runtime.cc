// Functions that the compiler's C++ runtime needs and that older C libraries do not have. The prebuilt addon contains that runtime
// (-static-libstdc++), so they are defined here. They are hidden: no other library sees them.
#include <pthread.h>
#include <signal.h>

#define OWN __attribute__((visibility("hidden"), used))

extern "C" {

/// glibc 2.32: whether the process has but one thread, so that counts need no atomic step. Never, for us.
OWN char __libc_single_threaded = 0;

/// glibc 2.34 gave it this name for the sake of old objects; other libraries never had it.
OWN int __pthread_key_create(pthread_key_t* key, void (*destroy)(void*)) { return pthread_key_create(key, destroy); }

/// glibc 2.35: where the tables for unwinding are. The addon is built without exceptions: nothing is ever unwound, std::terminate ends it.
OWN int _dl_find_object(void*, void*) { return -1; }
}

#ifdef __GLIBC__

// Functions that glibc moved between its libraries since 2.28 are used in the version that they had before.
#if defined(__x86_64__)
#define FIRST_VERSION "GLIBC_2.2.5"
#define NAMING_VERSION "GLIBC_2.12"
#elif defined(__aarch64__)
#define FIRST_VERSION "GLIBC_2.17"
#define NAMING_VERSION "GLIBC_2.17"
#else
#error "which was the first version of glibc for this processor?"
#endif

// Each is defined here under its own name, for the addon and the C++ runtime in it, and calls the old version.
#define FROM_OLD_GLIBC(version, result, name, parameters, arguments)     \
  extern "C" result old_##name parameters;                               \
  __asm__(".symver old_" #name ", " #name "@" version);                  \
  extern "C" OWN result name parameters { return old_##name arguments; }

using StartOfThread = void* (*)(void*);
using OnceRoutine = void (*)();
using DestroyKey = void (*)(void*);

FROM_OLD_GLIBC(FIRST_VERSION, int, pthread_create,
               (pthread_t * thread, const pthread_attr_t* attributes, StartOfThread start, void* argument) noexcept,
               (thread, attributes, start, argument))
FROM_OLD_GLIBC(FIRST_VERSION, int, pthread_join, (pthread_t thread, void** result), (thread, result))
FROM_OLD_GLIBC(FIRST_VERSION, int, pthread_once, (pthread_once_t * once, OnceRoutine routine), (once, routine))
FROM_OLD_GLIBC(FIRST_VERSION, int, pthread_key_create, (pthread_key_t * key, DestroyKey destroy) noexcept, (key, destroy))
FROM_OLD_GLIBC(FIRST_VERSION, void*, pthread_getspecific, (pthread_key_t key) noexcept, (key))
FROM_OLD_GLIBC(FIRST_VERSION, int, pthread_setspecific, (pthread_key_t key, const void* value) noexcept, (key, value))
FROM_OLD_GLIBC(FIRST_VERSION, int, pthread_mutex_trylock, (pthread_mutex_t * mutex) noexcept, (mutex))
FROM_OLD_GLIBC(FIRST_VERSION, int, pthread_sigmask, (int how, const sigset_t* set, sigset_t* old) noexcept, (how, set, old))
FROM_OLD_GLIBC(NAMING_VERSION, int, pthread_setname_np, (pthread_t thread, const char* name) noexcept, (thread, name))

#else

#include <sys/auxv.h>

/// The compiler's own library asks for it on arm64, to know which atomic instructions there are.
extern "C" OWN unsigned long __getauxval(unsigned long item) { return getauxval(item); }

#endif
