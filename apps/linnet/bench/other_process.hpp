#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace linnet::app::bench {

/// This program, started once more as the other end of a local bench. Owned by the driver's command.
class OtherProcess {
 public:
  /// Starts it with these arguments more, and with a socket to this process as its standard input and output. Throws
  /// linnet::Exception.
  explicit OtherProcess(const std::vector<std::string>& more);
  ~OtherProcess();  ///< Ends it, unless it has ended by itself.
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  /// This process's end of the socket; the caller's from now on.
  [[nodiscard]] int take_socket();

 private:
  pid_t pid_ = -1;
  int socket_ = -1;
};

}  // namespace linnet::app::bench
