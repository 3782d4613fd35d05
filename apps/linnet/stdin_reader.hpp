#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace linnet::app {

/// Lines of standard input, given to the executor one at a time; nothing when it has ended. It reads on a thread of its
/// own: a terminal or a file must not be made non-blocking, other programs share it. Owned by a command.
class StdinReader {
 public:
  using Handler = std::function<void(std::optional<std::string> line)>;
  /// A longer line is cut in pieces of this size.
  static constexpr std::size_t max_line = 1 << 20;

  StdinReader(boost::asio::any_io_executor executor, Handler handler);
  ~StdinReader();
  StdinReader(const StdinReader&) = delete;
  StdinReader& operator=(const StdinReader&) = delete;

 private:
  void run(boost::asio::any_io_executor executor);
  void deliver(const boost::asio::any_io_executor& executor, std::optional<std::string> line);

  std::shared_ptr<Handler> handler_;
  int stop_[2] = {-1, -1};
  std::thread thread_;
};

}  // namespace linnet::app
