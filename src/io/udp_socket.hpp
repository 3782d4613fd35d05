#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

#include "io/file_descriptor.hpp"
#include "io/receive_batch.hpp"
#include "linnet/core/datagram.hpp"

namespace linnet::io {

/// A non-blocking UDP socket bound to one address, moving datagrams in batches: recvmmsg with UDP_GRO and sendmmsg
/// with UDP_SEGMENT where the system has them (udp_batch_linux.cpp), one at a time elsewhere (udp_batch_posix.cpp).
///
/// Owned by the runtime, which waits for readiness. Never blocks, never allocates per batch, never throws.
class UdpSocket {
 public:
  struct Options {
    std::size_t receive_buffer = std::size_t{4} * 1'024 * 1'024;  ///< Asked for; the system may give less.
    std::size_t send_buffer = std::size_t{4} * 1'024 * 1'024;
    std::uint16_t port_min = 0;  ///< With port 0 to bind to: try this range; 0 lets the system choose.
    std::uint16_t port_max = 0;
  };
  struct Counters {
    std::uint64_t sent = 0;  ///< Datagrams.
    std::uint64_t send_calls = 0;
    std::uint64_t dropped = 0;  ///< Datagrams that the system refused to send.
    std::uint64_t received = 0;
    std::uint64_t receive_calls = 0;
    std::uint64_t truncated = 0;  ///< Received messages larger than the buffer, or from nowhere: dropped.
  };
  /// Datagrams of one path that the system refused to send.
  struct Dropped {
    Path path;
    std::uint64_t datagrams = 0;
    std::uint64_t bytes = 0;
  };
  /// How far a send came: `runs` whole ones, then `bytes` of the next.
  struct Sent {
    std::size_t runs = 0;
    std::size_t bytes = 0;
    bool blocked = false;  ///< The socket's buffer is full: go on here when it is writable.
  };

  /// `local` names an address (not the wildcard); port 0 takes a free one.
  [[nodiscard]] static std::expected<UdpSocket, std::error_code> bind(const Endpoint& local, const Options& options);

  /// At once; what is sent from now on is dropped.
  void close() noexcept { fd_.reset(); }

  [[nodiscard]] int native_handle() const noexcept { return fd_.get(); }
  [[nodiscard]] const Endpoint& local() const noexcept { return local_; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  [[nodiscard]] bool segmentation_offload() const noexcept { return gso_; }
  /// Whether the kernel may join datagrams that arrive together: from when several were waiting at once.
  [[nodiscard]] bool receive_offload() const noexcept { return gro_.value_or(false); }

  /// Fills `batch` with what has arrived, stamped `now`. Returns false when nothing more waits.
  bool receive(TimePoint now, ReceiveBatch& batch);

  /// Sends runs whose local endpoint is this socket's, the first from byte `skip` on. Datagrams that the system
  /// refuses for another reason than a full buffer are dropped and counted, as any datagram may be.
  Sent send(std::span<const DatagramBatch::Run> runs, std::size_t skip = 0);
  /// By the last `send`.
  [[nodiscard]] std::span<const Dropped> dropped() const noexcept { return dropped_; }

 private:
  UdpSocket(FileDescriptor fd, const Endpoint& local) : fd_(std::move(fd)), local_(local) {}
  void configure(const Options& options);
  void configure_platform();
  /// Whether IP may cut a datagram that is larger than the path's MTU.
  void allow_fragments(bool allowed) noexcept;

  /// What to do after a send of one datagram (or one offloaded run) failed with `error`.
  enum class Verdict : std::uint8_t { Blocked, Retry, Drop };
  static Verdict judge(int error) noexcept;
  void drop(const DatagramBatch::Run& run, std::size_t bytes);

  FileDescriptor fd_;
  Endpoint local_;
  Counters counters_;
  std::vector<Dropped> dropped_;
  bool gso_ = false;
  std::optional<bool> gro_;  ///< Whether the kernel can; it was not asked yet.
};

}  // namespace linnet::io
