#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "sctp/packet/chunk.hpp"

namespace linnet::sctp {

/// Builds one packet in borrowed memory: header, chunks as they fit, checksum last. Owned by the stack
/// frame of `poll_packet`; never allocates.
class PacketWriter {
 public:
  /// `out` holds at least the common header.
  PacketWriter(std::span<std::byte> out, const CommonHeader& header) noexcept;

  [[nodiscard]] bool empty() const noexcept { return size_ == common_header_size; }
  /// Bytes that the next chunk may have, header included.
  [[nodiscard]] std::size_t room() const noexcept { return out_.size() - size_; }

  /// A chunk with this value; false (and nothing written) when it does not fit.
  bool chunk(ChunkType type, std::uint8_t flags, std::span<const std::byte> value) noexcept;
  /// Room for a chunk's value to be written in place; `commit` with what was used, 0 allowed.
  [[nodiscard]] std::span<std::byte> value_room() noexcept;
  void commit(ChunkType type, std::uint8_t flags, std::size_t value_size) noexcept;
  /// DATA or I-DATA. The caller made sure that `chunk.header_size() + payload.size()` fit.
  void data(const DataChunk& chunk, std::span<const std::byte> payload) noexcept;

  /// Writes the checksum; the packet's size.
  [[nodiscard]] std::size_t finish(Checksum checksum = Checksum::Crc32c) noexcept;

 private:
  void pad() noexcept;
  std::span<std::byte> out_;
  std::size_t size_;
};

/// Appends one type-length-value parameter or error cause with its padding.
void write_tlv(ByteWriter& out, std::uint16_t type, std::span<const std::byte> value) noexcept;

}  // namespace linnet::sctp
