// What the C++ runtime of the compiler that builds the prebuilt addons asks of a newer glibc than they may need. The addon carries that runtime
// (-static-libstdc++), so these few are defined here, for its own use alone: hidden, they meet no other library's.
#pragma once

#include <pthread.h>

#define OWN __attribute__((visibility("hidden"), used))

extern "C" {

/// glibc 2.32: whether the process has but one thread, so that counts need no atomic step. Never, for us.
OWN char __libc_single_threaded = 0;

/// glibc 2.34 gave it this name for the sake of old objects; other libraries never had it.
OWN int __pthread_key_create(pthread_key_t* key, void (*destroy)(void*)) { return pthread_key_create(key, destroy); }

/// glibc 2.35: where the tables for unwinding are. The addon is built without exceptions: nothing is ever unwound, std::terminate ends it.
OWN int _dl_find_object(void*, void*) { return -1; }
}
