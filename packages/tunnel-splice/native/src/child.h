// Starts a process at once: the calling thread waits only until the program is executed, and no page of this process is copied.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace sallyport {

struct ChildRequest {
  // Absolute.
  std::string path;
  // The first is the name by which the program is called.
  std::vector<std::string> arguments;
  // NAME=VALUE.
  std::vector<std::string> environment;
  // What the child gets from descriptor 4 on. For -1 the number is closed.
  std::vector<int> descriptors;
};

struct Child {
  // 0 or an errno. All else holds only where it is 0.
  int error;
  pid_t pid;
  // Where this process reads what the child writes to its descriptor 3.
  int channel;
};

// Descriptors 0 to 2 are those of this process. Signals are as in a new process.
Child startChild(const ChildRequest& request);

// The status of waitpid(2) once the child has ended, after which the kernel has forgotten it; -1 while it runs. 0 where it is no child of
// ours any more.
int reapChild(pid_t pid);

}  // namespace sallyport
