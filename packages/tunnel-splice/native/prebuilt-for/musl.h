// Included before all else when the addon is built for musl by a compiler whose C++ library was configured for glibc: what that
// configuration takes for granted, and musl does not have. What is left of the C++ library (threads, containers, strings) asks for POSIX alone.
#pragma once

#define __GLIBC_PREREQ(major, minor) 0
#define __locale_t locale_t

#include <bits/c++config.h>

// Waits by the steady clock: the C++ library then waits by the system's, and looks at the steady one before it says that time is up.
#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
#undef _GLIBCXX_USE_PTHREAD_RWLOCK_CLOCKLOCK
