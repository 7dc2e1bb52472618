// What JavaScript and other threads ask of a data thread.
#pragma once

#include <cstdint>

namespace sallyport {

class Loop;

// Obeys one record of wire.h. A command for a leg that is gone does nothing.
void obey(Loop& loop, uint32_t* record);

// Passes a postponed command on to the thread of its client: a splice, with the upstream leg; and what follows it that way.
void passOn(Loop& loop, uint32_t* record);

// Frees what a command carries that no thread will obey any more.
void abandon(uint32_t* record);

}  // namespace sallyport
