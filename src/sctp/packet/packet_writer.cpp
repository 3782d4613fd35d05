#include "sctp/packet/packet_writer.hpp"

#include <cassert>
#include <cstring>

#include "sctp/packet/checksum.hpp"

namespace linnet::sctp {

PacketWriter::PacketWriter(std::span<std::byte> out, const CommonHeader& header) noexcept
    : out_(out.first(out.size() & ~std::size_t{3})), size_(common_header_size) {
  assert(out_.size() >= common_header_size);
  store_be(out_.data(), header.source_port);
  store_be(out_.data() + 2, header.destination_port);
  store_be(out_.data() + 4, header.verification_tag);
}

bool PacketWriter::chunk(ChunkType type, std::uint8_t flags, std::span<const std::byte> value) noexcept {
  if (padded(chunk_header_size + value.size()) > room()) return false;
  if (!value.empty()) std::memcpy(out_.data() + size_ + chunk_header_size, value.data(), value.size());
  commit(type, flags, value.size());
  return true;
}

std::span<std::byte> PacketWriter::value_room() noexcept {
  if (room() < chunk_header_size) return {};
  return out_.subspan(size_ + chunk_header_size);
}

void PacketWriter::commit(ChunkType type, std::uint8_t flags, std::size_t value_size) noexcept {
  out_[size_] = static_cast<std::byte>(type);
  out_[size_ + 1] = static_cast<std::byte>(flags);
  store_be(out_.data() + size_ + 2, static_cast<std::uint16_t>(chunk_header_size + value_size));
  size_ += chunk_header_size + value_size;
  pad();
}

void PacketWriter::data(const DataChunk& chunk, std::span<const std::byte> payload) noexcept {
  const std::size_t header = chunk.header_size();
  assert(padded(header + payload.size()) <= room());
  write_data_header(out_.data() + size_, chunk, payload.size());
  std::memcpy(out_.data() + size_ + header, payload.data(), payload.size());
  size_ += header + payload.size();
  pad();
}

std::size_t PacketWriter::finish(Checksum checksum) noexcept {
  if (checksum == Checksum::Zero)
    write_zero_checksum(out_.first(size_));
  else
    write_checksum(out_.first(size_));
  return size_;
}

void PacketWriter::pad() noexcept {
  while ((size_ & 3U) != 0) out_[size_++] = std::byte{0};
}

void write_tlv(ByteWriter& out, std::uint16_t type, std::span<const std::byte> value) noexcept {
  out.u16(type);
  out.u16(static_cast<std::uint16_t>(chunk_header_size + value.size()));
  out.bytes(value);
  out.zeros(padded(value.size()) - value.size());
}

}  // namespace linnet::sctp
