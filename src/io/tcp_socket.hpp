#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <system_error>
#include <utility>

#include "io/file_descriptor.hpp"
#include "linnet/core/address.hpp"

namespace linnet::io {

/// A non-blocking TCP connection, without Nagle's delay. Owned by the runtime, which waits for readiness. Never blocks,
/// never allocates, never throws, never raises SIGPIPE.
class TcpSocket {
 public:
  /// How far a read or write came.
  struct Moved {
    std::size_t bytes = 0;
    bool blocked = false;  ///< No more now: go on when it is ready again.
    bool ended = false;    ///< The peer has ended its direction (reads only).
    std::error_code error{};
  };
  /// Pieces that one `write` takes.
  static constexpr std::size_t max_pieces = 256;
  /// Bytes that wait in the kernel before a write is blocked, where it can be told: datagrams are worth nothing when
  /// they are old.
  static constexpr int unsent_bytes = 131'072;

  /// Begins to connect from `local` (any address when unspecified): when writable, ask `connect_result`.
  [[nodiscard]] static std::expected<TcpSocket, std::error_code> connect(const IpAddress& local,
                                                                         const Endpoint& remote);
  /// An accepted connection, non-blocking already.
  explicit TcpSocket(FileDescriptor fd);

  /// How connecting ended, once the socket is writable.
  [[nodiscard]] std::error_code connect_result() const noexcept;
  [[nodiscard]] Moved read(std::span<std::byte> out) noexcept;
  /// In order, as one: at most `max_pieces` of them.
  [[nodiscard]] Moved write(std::span<const std::span<const std::byte>> pieces) noexcept;
  /// Nothing more will be written.
  void end() noexcept;

  [[nodiscard]] int native_handle() const noexcept { return fd_.get(); }

 private:
  FileDescriptor fd_;
};

/// Makes `fd` non-blocking and closed in child processes.
[[nodiscard]] bool make_non_blocking(int fd) noexcept;

}  // namespace linnet::io
