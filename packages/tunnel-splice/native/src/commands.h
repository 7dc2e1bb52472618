// The commands of JavaScript and of other threads to a data thread.
#pragma once

#include <cstdint>

namespace sallyport {

class Loop;

// Executes one record of wire.h. A command for a leg that is gone does nothing.
void obey(Loop& loop, uint32_t* record);

// Passes a postponed command on to the thread of its client: a splice, with the upstream leg, or a command that follows it.
void passOn(Loop& loop, uint32_t* record);

// Frees what a command carries when no thread will execute it any more.
void abandon(uint32_t* record);

}  // namespace sallyport
