#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "linnet/core/datagram.hpp"

namespace linnet {

/// Cuts a byte stream into the datagrams that were put into it. Owned by whoever reads the stream; knows no socket.
/// A datagram that lies whole in what was fed is handed out where it lies; only what a read has cut in two is copied,
/// so that an idle stream keeps no more than the beginning of one datagram.
class Deframer {
 public:
  /// The most that is kept: a STUN message with its header is the largest frame.
  static constexpr std::size_t max_kept = 20 + 65'535;

  explicit Deframer(Framing framing) noexcept : framing_(framing) {}

  /// The next bytes of the stream: borrowed until `next` has returned nothing, which must be before the next `feed`.
  void feed(std::span<std::byte> bytes) noexcept;
  /// The next datagram, writable, good until the next call; nothing when more bytes are needed or the stream is broken.
  [[nodiscard]] std::optional<std::span<std::byte>> next();
  /// What came is no sequence of datagrams: nothing after it can be found again, close the stream.
  [[nodiscard]] bool broken() const noexcept { return broken_; }
  /// Bytes of a datagram that is not complete yet.
  [[nodiscard]] std::size_t kept() const noexcept { return kept_.size(); }

 private:
  /// Where a datagram lies in its frame.
  struct Frame {
    std::size_t header = 0;
    std::size_t size = 0;
    std::size_t padding = 0;
    [[nodiscard]] std::size_t whole() const noexcept { return header + size + padding; }
  };
  /// Nothing when `bytes` are too few to tell, or when they begin no frame (then it is broken).
  [[nodiscard]] std::optional<Frame> frame_at(std::span<const std::byte> bytes) noexcept;
  void keep(std::size_t size);
  /// Completes what is kept out of what was fed; nothing when that does not suffice.
  [[nodiscard]] std::optional<std::span<std::byte>> complete();

  Framing framing_;
  bool broken_ = false;
  bool handed_out_ = false;  ///< What is kept was the last datagram given.
  std::span<std::byte> input_;
  std::vector<std::byte> kept_;
};

/// What goes before and after one datagram in the stream.
struct FrameEdges {
  std::array<std::byte, 2> header{};
  std::size_t header_size = 0;
  std::size_t padding = 0;  ///< Zeros.
};

/// Nothing when such a stream cannot carry `datagram`: too long, or (Framing::Stun) neither STUN nor ChannelData.
[[nodiscard]] std::optional<FrameEdges> frame_edges(Framing framing, std::span<const std::byte> datagram) noexcept;

}  // namespace linnet
