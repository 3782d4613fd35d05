#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "bench/link.hpp"

namespace linnet::app::bench {

/// A Link over a stream socket between two processes: one JSON object a line.
class SocketLink final : public Link {
 public:
  /// Takes over `fd`.
  SocketLink(const boost::asio::any_io_executor& executor, int fd);
  ~SocketLink() override;

  /// Begins to read. (Set the handlers before.)
  void start();
  void send(const boost::json::object& object) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace linnet::app::bench
