// Included before all else when the addon is built for glibc: it is to load with glibc 2.28 and later, as Node.js itself does, wherever it is
// built. Functions that glibc moved between its libraries since then are asked for by the version that they had before.
#pragma once

#include <bits/c++config.h>

// pthread_cond_clockwait and its like are of glibc 2.30.
#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
#undef _GLIBCXX_USE_PTHREAD_RWLOCK_CLOCKLOCK

#include <signal.h>

#include "own-runtime.h"

#if defined(__x86_64__)
#define FIRST_VERSION "GLIBC_2.2.5"
#define NAMING_VERSION "GLIBC_2.12"
#elif defined(__aarch64__)
#define FIRST_VERSION "GLIBC_2.17"
#define NAMING_VERSION "GLIBC_2.17"
#else
#error "which was the first version of glibc for this processor?"
#endif

// Each is defined here under its own name, for the addon and the C++ runtime in it, and calls the old one.
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
