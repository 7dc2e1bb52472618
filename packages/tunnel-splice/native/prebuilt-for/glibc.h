// Included before all else when the addon is built for glibc. The addon must load with glibc 2.28 and later, as Node.js itself, wherever
// it is built. The rest is in runtime.cc.
#pragma once

#include <bits/c++config.h>

// pthread_cond_clockwait and similar functions came with glibc 2.30.
#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
#undef _GLIBCXX_USE_PTHREAD_RWLOCK_CLOCKLOCK
