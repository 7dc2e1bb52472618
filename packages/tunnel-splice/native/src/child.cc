#include "child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace sallyport {
namespace {

// Duplicates above all numbers that the child gets, so that none is replaced before it is passed on.
class Copies {
 public:
  explicit Copies(int above) : above_(above) {}
  Copies(const Copies&) = delete;
  Copies& operator=(const Copies&) = delete;
  ~Copies() {
    for (const int fd : copies_) ::close(fd);
  }

  // A negated errno where it fails.
  int of(int fd) {
    const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, above_);
    if (copy < 0) return -errno;
    copies_.push_back(copy);
    return copy;
  }

 private:
  const int above_;
  std::vector<int> copies_;
};

// The descriptors of the child, in order. Returns 0 or an errno.
int arrange(posix_spawn_file_actions_t& actions, const std::vector<int>& descriptors, Copies& copies) {
  int number = 0;
  for (const int fd : descriptors) {
    int error = 0;
    if (fd < 0) {
      error = posix_spawn_file_actions_addclose(&actions, number);
    } else {
      const int copy = copies.of(fd);
      if (copy < 0) return -copy;
      error = posix_spawn_file_actions_adddup2(&actions, copy, number);
    }
    if (error != 0) return error;
    number++;
  }
  return 0;
}

// A new process expects to write to them without EAGAIN. This holds for both processes, since they share them, and is what Node.js does for
// its children (uv_spawn(3)).
void makeStandardStreamsBlocking() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) != 0) ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
  }
}

// A handler does not survive, but a signal that is ignored or blocked here would be so in the child too.
void resetSignals(posix_spawnattr_t& attributes) {
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

std::vector<char*> pointersTo(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Returns 0 or an errno.
int spawn(const ChildRequest& request, int channel, pid_t& pid) {
  // Node.js has made the first three close-on-exec, so that they are passed like all others.
  std::vector<int> descriptors{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, channel};
  descriptors.insert(descriptors.end(), request.descriptors.begin(), request.descriptors.end());
  Copies copies(static_cast<int>(descriptors.size()));
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  resetSignals(attributes);
  makeStandardStreamsBlocking();
  int error = arrange(actions, descriptors, copies);
  if (error == 0) {
    const std::vector<char*> arguments = pointersTo(request.arguments);
    const std::vector<char*> environment = pointersTo(request.environment);
    error = posix_spawn(&pid, request.path.c_str(), &actions, &attributes, arguments.data(), environment.data());
  }
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

Child startChild(const ChildRequest& request) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return {errno, 0, -1};
  pid_t pid = 0;
  const int error = spawn(request, ends[1], pid);
  ::close(ends[1]);
  if (error == 0) return {0, pid, ends[0]};
  ::close(ends[0]);
  return {error, 0, -1};
}

int reapChild(pid_t pid) {
  int status = 0;
  pid_t ended = 0;
  do ended = ::waitpid(pid, &status, WNOHANG);
  while (ended < 0 && errno == EINTR);
  return ended == 0 ? -1 : status;
}

}  // namespace sallyport
