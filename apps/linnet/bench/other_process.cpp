#include "bench/other_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "linnet/exception.hpp"
#include "program_file.hpp"

// NOLINTNEXTLINE(readability-redundant-declaration): POSIX leaves this declaration to the program.
extern char** environ;

namespace linnet::app::bench {

OtherProcess::OtherProcess(const std::vector<std::string>& more) {
  std::array<int, 2> pair{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()) != 0)
    throw Exception{{.name = ErrorName::OperationError, .message = "no socket for the other end"}};
  // The other end has its own as standard input and output, and must not hold ours open.
  for (const int end : pair) ::fcntl(end, F_SETFD, FD_CLOEXEC);
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, pair[1], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, pair[1], STDOUT_FILENO);
  std::vector<std::string> words{"linnet", "bench", "--local", "--other-end"};
  words.insert(words.end(), more.begin(), more.end());
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int failed = ::posix_spawn(&pid_, program_file().c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(pair[1]);
  socket_ = pair[0];
  if (failed == 0) return;
  ::close(std::exchange(socket_, -1));
  pid_ = -1;
  throw Exception{{.name = ErrorName::OperationError, .message = "cannot start this program as the other end"}};
}

OtherProcess::~OtherProcess() {
  if (socket_ >= 0) ::close(socket_);
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

int OtherProcess::take_socket() { return std::exchange(socket_, -1); }

}  // namespace linnet::app::bench
