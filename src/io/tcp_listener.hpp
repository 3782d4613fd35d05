#pragma once

#include <cstdint>
#include <expected>
#include <system_error>
#include <utility>

#include "io/tcp_socket.hpp"

namespace linnet::io {

/// A non-blocking socket that TCP connections come in at. Owned by the runtime, which waits for readiness.
class TcpListener {
 public:
  struct Options {
    std::uint16_t port_min = 0;  ///< With port 0 to bind to: try this range; 0 lets the system choose.
    std::uint16_t port_max = 0;
    int backlog = 16;
  };
  struct Accepted {
    TcpSocket socket;
    Endpoint remote;
  };

  [[nodiscard]] static std::expected<TcpListener, std::error_code> bind(const Endpoint& local, const Options& options);

  /// The next connection. `std::errc::operation_would_block`: none waits. Another error is the system's: it is out of
  /// descriptors, say, and the connection goes on waiting.
  [[nodiscard]] std::expected<Accepted, std::error_code> accept();

  [[nodiscard]] int native_handle() const noexcept { return fd_.get(); }
  [[nodiscard]] const Endpoint& local() const noexcept { return local_; }

 private:
  TcpListener(FileDescriptor fd, const Endpoint& local) : fd_(std::move(fd)), local_(local) {}

  FileDescriptor fd_;
  Endpoint local_;
};

}  // namespace linnet::io
