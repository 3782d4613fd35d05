#include "stdin_reader.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

namespace linnet::app {

StdinReader::StdinReader(boost::asio::any_io_executor executor, Handler handler)
    : handler_(std::make_shared<Handler>(std::move(handler))) {
  if (::pipe(stop_) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  thread_ = std::thread([this, executor = std::move(executor)] { run(executor); });
}

StdinReader::~StdinReader() {
  ::close(stop_[1]);
  thread_.join();
  ::close(stop_[0]);
}

void StdinReader::deliver(const boost::asio::any_io_executor& executor, std::optional<std::string> line) {
  // What is posted but not yet run when the reader goes must not call a handler of a command that is over.
  boost::asio::post(executor, [weak = std::weak_ptr{handler_}, line = std::move(line)]() mutable {
    if (const auto handler = weak.lock()) (*handler)(std::move(line));
  });
}

void StdinReader::run(boost::asio::any_io_executor executor) {
  std::string pending;
  std::array<char, 65'536> buffer{};
  for (;;) {
    std::array<pollfd, 2> wait{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{stop_[0], POLLIN, 0}};
    if (::poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) break;
    if (wait[1].revents != 0) return;
    if (wait[0].revents == 0) continue;
    const auto size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size <= 0) break;
    pending.append(buffer.data(), static_cast<std::size_t>(size));
    for (;;) {
      const auto end = pending.find('\n');
      if (end == std::string::npos && pending.size() < max_line) break;
      const auto take = end == std::string::npos ? max_line : end;
      auto line = pending.substr(0, take);
      pending.erase(0, end == std::string::npos ? take : take + 1);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      deliver(executor, std::move(line));
    }
  }
  if (!pending.empty()) deliver(executor, std::move(pending));
  deliver(executor, std::nullopt);
}

}  // namespace linnet::app
