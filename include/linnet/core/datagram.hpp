#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "linnet/core/address.hpp"
#include "linnet/core/time.hpp"

namespace linnet {

/// RFC 3168 codepoints, as in the two low bits of the IP header's traffic class.
enum class Ecn : std::uint8_t { NotEct = 0, Ect1 = 1, Ect0 = 2, Ce = 3 };

/// One received datagram. The bytes are borrowed and writable: the reader may decrypt in place.
struct Datagram {
  TimePoint at;
  Path path;
  Ecn ecn = Ecn::NotEct;
  std::span<std::byte> bytes;
};

/// How a datagram's size relates to the path's MTU.
enum class Sizing : std::uint8_t {
  Path,      ///< What the path is known to carry.
  Probe,     ///< Perhaps too large, and lost then (RFC 8899): nothing else goes into its run.
  Fragment,  ///< Larger than the path carries, and not to be lost: IP may fragment it.
};

/// How datagrams lie one after another in a stream (TCP, TLS).
enum class Framing : std::uint8_t {
  Stun,     ///< Each tells its own length: STUN, and ChannelData padded to 4 bytes (RFC 8656 section 12.5).
  Rfc4571,  ///< Each after its length in 16 bits, as ICE-TCP has it (RFC 6544 section 3).
};

/// Whether a call to `poll_transmit` left something unsent.
enum class Progress : std::uint8_t { Done, More };

/// Outgoing datagrams, packed back to back in one buffer. Plain memory, knows no socket.
/// Owned by whoever sends (the runtime's host, the simulator); filled by `poll_transmit`.
class DatagramBatch {
 public:
  /// Equal-sized neighbours on one path (the last may be shorter): one segmentation-offload send.
  struct Run {
    Path path;
    Ecn ecn = Ecn::NotEct;
    Sizing sizing = Sizing::Path;
    std::size_t segment_size = 0;
    std::span<const std::byte> bytes;

    [[nodiscard]] std::size_t segments() const noexcept {
      return segment_size == 0 ? 1 : (bytes.size() + segment_size - 1) / segment_size;
    }
  };

  /// The largest UDP payload over IPv4.
  static constexpr std::size_t max_datagram = 65'507;
  /// Limits of one run: what Linux takes in one UDP_SEGMENT send.
  static constexpr std::size_t max_run_segments = 64;
  static constexpr std::size_t max_run_bytes = max_datagram;

  explicit DatagramBatch(std::size_t capacity = std::size_t{4} * 65'536);

  /// Room for one datagram on `path`, or an empty span when less than `at_least` bytes are left: then
  /// send, `clear()` and go on. Calling it again without `commit` discards the first. The span is never
  /// larger than `max_datagram`.
  [[nodiscard]] std::span<std::byte> begin(const Path& path, Ecn ecn, std::size_t at_least = 1'500) noexcept;
  /// Ends the datagram of the last `begin`, `size` bytes long; 0 drops it.
  void commit(std::size_t size, Sizing sizing = Sizing::Path);

  [[nodiscard]] std::span<const Run> runs() const noexcept { return runs_; }
  [[nodiscard]] bool empty() const noexcept { return runs_.empty(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return used_; }
  void clear() noexcept;

 private:
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t capacity_;
  std::size_t used_ = 0;
  Path open_path_;
  Ecn open_ecn_ = Ecn::NotEct;
  std::vector<Run> runs_;
};

}  // namespace linnet
