// Included before all else when the addon is built for musl by a compiler whose C++ library was configured for glibc. It undefines what
// musl does not have. The rest of the C++ library (threads, containers, strings) needs only POSIX.
#pragma once

#define __GLIBC_PREREQ(major, minor) 0
#define __locale_t locale_t

#include <bits/c++config.h>

// Waits by the steady clock: the C++ library then waits by the system clock, and checks the steady one before it reports a time-out.
#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
#undef _GLIBCXX_USE_PTHREAD_RWLOCK_CLOCKLOCK
