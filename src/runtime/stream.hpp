#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/stream_framing.hpp"
#include "crypto/tls_client.hpp"
#include "io/tcp_socket.hpp"
#include "linnet/core/datagram.hpp"
#include "runtime/ready.hpp"

namespace linnet::runtime {

/// One TCP connection of a session, with TLS or without, that carries datagrams under one Path. Owned by the StreamSet,
/// which waits for its socket; waits for nothing itself. What the socket does not take is kept, up to a bound, and then
/// datagrams are dropped, as any datagram may be.
class Stream {
 public:
  enum class Phase : std::uint8_t {
    Connecting,   ///< Until the socket is writable.
    Handshaking,  ///< TLS.
    Open,
    Closing,  ///< Sends what it has.
    Ended,
  };
  /// Kept bytes above which the session makes no more datagrams for a while, and those above which datagrams are
  /// dropped: as one batch of the session brings that much at once, and where the peer takes nothing.
  static constexpr std::size_t high_mark = 65'536;
  static constexpr std::size_t max_kept = 786'432;
  static constexpr std::size_t max_kept_stalled = 131'072;

  struct Counters {
    std::uint64_t sent = 0;     ///< Datagrams.
    std::uint64_t dropped = 0;  ///< Datagrams that found no room, or that the stream cannot carry.
    std::uint64_t dropped_bytes = 0;
    std::uint64_t writes = 0;  ///< System calls.
  };

  /// `tls`: null on plain TCP. `most_kept`: in place of `max_kept`.
  Stream(const boost::asio::any_io_executor& executor, io::TcpSocket socket, const Path& path, Framing framing,
         std::unique_ptr<crypto::TlsClient> tls, bool accepted, std::size_t most_kept = max_kept);

  [[nodiscard]] const Path& path() const noexcept { return path_; }
  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  /// For people: why it has Ended.
  [[nodiscard]] const std::string& why() const noexcept { return why_; }
  /// For programs: the system's error, `timed_out`, or `protocol_error` of TLS; success for anything else.
  [[nodiscard]] std::error_code error() const noexcept { return error_; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

  /// Of an accepted one: what was read of it already.
  void begin_with(std::vector<std::byte> bytes) { first_ = std::move(bytes); }
  /// The socket is writable for the first time.
  void socket_connected();
  /// Reads once; false when nothing more waits. Afterwards `next` until it gives nothing, before any stream of this
  /// thread receives again.
  bool receive();
  [[nodiscard]] std::optional<std::span<std::byte>> next();

  /// Sends the datagrams of a run, in one system call if the socket takes them.
  void send(const DatagramBatch::Run& run);
  /// Writes what is kept.
  void flush();
  [[nodiscard]] std::size_t kept() const noexcept { return kept_.size() - written_; }

  /// Sends what is kept and closes; Ended at once when there is nothing.
  void close();
  void end(std::string why, std::error_code error = {});

  // For the StreamSet.
  Ready<io::TcpSocket> socket;
  boost::asio::steady_timer limit;  ///< Of connecting and of closing.
  bool waits_writable = false;
  bool holds = false;    ///< The session waits for it.
  bool stalled = false;  ///< It was waited for in vain.

 private:
  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept;
  void write_directly(std::span<const std::span<const std::byte>> pieces);
  void keep(std::span<const std::byte> bytes) { kept_.insert(kept_.end(), bytes.begin(), bytes.end()); }
  void take_from_tls();
  bool receive_plain();
  bool receive_tls();

  Path path_;
  Framing framing_;
  Phase phase_;
  std::unique_ptr<crypto::TlsClient> tls_;
  Deframer deframer_;
  std::vector<std::byte> first_;
  std::vector<std::byte> kept_;
  std::size_t written_ = 0;
  std::size_t most_kept_;
  std::string why_;
  std::error_code error_{};
  Counters counters_;
};

}  // namespace linnet::runtime
