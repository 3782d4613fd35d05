#include "sctp/packet/chunk.hpp"

#include <array>

#include "sctp/packet/checksum.hpp"

namespace linnet::sctp {
namespace {

/// Size of the first chunk in `rest` without padding; 0 when malformed.
std::size_t first_chunk_size(std::span<const std::byte> rest) noexcept {
  if (rest.size() < chunk_header_size) return 0;
  const std::size_t size = load_be<std::uint16_t>(rest.data() + 2);
  return size < chunk_header_size || size > rest.size() ? 0 : size;
}

// RFC 9653 section 5.2. Each of the two is the first chunk of its packet.
bool may_be_unchecked(std::span<const std::byte> packet) noexcept {
  const auto first = static_cast<ChunkType>(packet[common_header_size]);
  return first != ChunkType::Init && first != ChunkType::CookieEcho;
}

std::span<const std::byte> after(std::span<const std::byte> rest, std::size_t size) noexcept {
  return rest.subspan(std::min(padded(size), rest.size()));
}

}  // namespace

std::optional<PacketView> PacketView::parse(std::span<const std::byte> packet, Checksum least) noexcept {
  if (packet.size() < common_header_size + chunk_header_size) return std::nullopt;
  const bool unchecked = least == Checksum::Zero && checksum_is_zero(packet) && may_be_unchecked(packet);
  if (!unchecked && !checksum_matches(packet)) return std::nullopt;
  PacketView view;
  view.header_ = {.source_port = load_be<std::uint16_t>(packet.data()),
                  .destination_port = load_be<std::uint16_t>(packet.data() + 2),
                  .verification_tag = load_be<std::uint32_t>(packet.data() + 4)};
  view.chunks_ = packet.subspan(common_header_size);
  for (auto rest = view.chunks_; !rest.empty();) {
    const std::size_t size = first_chunk_size(rest);
    if (size == 0) return std::nullopt;
    rest = after(rest, size);
  }
  return view;
}

bool PacketView::single() const noexcept { return after(chunks_, first_chunk_size(chunks_)).empty(); }

ChunkView PacketView::Iterator::operator*() const noexcept {
  const std::size_t size = first_chunk_size(rest_);
  return {.type = static_cast<ChunkType>(rest_[0]),
          .flags = std::to_integer<std::uint8_t>(rest_[1]),
          .value = rest_.subspan(chunk_header_size, size - chunk_header_size),
          .whole = rest_.first(size)};
}

PacketView::Iterator& PacketView::Iterator::operator++() noexcept {
  rest_ = after(rest_, first_chunk_size(rest_));
  return *this;
}

//  |   Type = 0    |  Res  |I|U|B|E|    Length                     |
//  |                              TSN                              |
//  |      Stream Identifier S      |   Stream Sequence Number n    |
//  |                  Payload Protocol Identifier                  |
//  /                 User Data (seq n of Stream S)                 /
//
//  |   Type = 64   |  Res  |I|U|B|E|    Length                     |
//  |                              TSN                              |
//  |      Stream Identifier        |           Reserved            |
//  |                      Message Identifier                       |
//  | Payload Protocol Identifier / Fragment Sequence Number        |
std::optional<DataChunk> DataChunk::parse(const ChunkView& chunk) noexcept {
  DataChunk data;
  data.interleaved = chunk.type == ChunkType::IData;
  if (chunk.whole.size() < data.header_size()) return std::nullopt;
  const std::byte* at = chunk.whole.data();
  data.tsn = Tsn{load_be<std::uint32_t>(at + 4)};
  data.stream = StreamId{load_be<std::uint16_t>(at + 8)};
  data.immediate = (chunk.flags & 8U) != 0;
  data.unordered = (chunk.flags & 4U) != 0;
  data.begin = (chunk.flags & 2U) != 0;
  data.end = (chunk.flags & 1U) != 0;
  data.payload = chunk.whole.subspan(data.header_size());
  if (!data.interleaved) {
    data.ssn = Ssn{load_be<std::uint16_t>(at + 10)};
    data.ppid = Ppid{load_be<std::uint32_t>(at + 12)};
    return data;
  }
  data.mid = Mid{load_be<std::uint32_t>(at + 12)};
  const auto number = load_be<std::uint32_t>(at + 16);
  if (data.begin)
    data.ppid = Ppid{number};
  else
    data.fsn = number;
  return data;
}

void write_data_header(std::byte* out, const DataChunk& chunk, std::size_t payload_size) noexcept {
  const unsigned flags =
      (chunk.immediate ? 8U : 0U) | (chunk.unordered ? 4U : 0U) | (chunk.begin ? 2U : 0U) | (chunk.end ? 1U : 0U);
  out[0] = static_cast<std::byte>(chunk.interleaved ? ChunkType::IData : ChunkType::Data);
  out[1] = static_cast<std::byte>(flags);
  store_be(out + 2, static_cast<std::uint16_t>(chunk.header_size() + payload_size));
  store_be(out + 4, chunk.tsn.value());
  store_be(out + 8, chunk.stream.value());
  if (!chunk.interleaved) {
    store_be(out + 10, chunk.ssn.value());
    store_be(out + 12, chunk.ppid.value());
    return;
  }
  store_be(out + 10, std::uint16_t{0});
  store_be(out + 12, chunk.mid.value());
  store_be(out + 16, chunk.begin ? chunk.ppid.value() : chunk.fsn);
}

//  |                      Cumulative TSN Ack                       |
//  |          Advertised Receiver Window Credit (a_rwnd)           |
//  | Number of Gap Ack Blocks = N  |  Number of Duplicate TSNs = M |
//  |    Gap Ack Block #1 Start     |     Gap Ack Block #1 End      | ...
//  |                        Duplicate TSN 1                        | ...
std::optional<SackChunk> SackChunk::parse(const ChunkView& chunk) noexcept {
  ByteReader in(chunk.value);
  SackChunk sack;
  sack.cumulative = Tsn{in.u32()};
  sack.a_rwnd = in.u32();
  sack.gap_count = in.u16();
  sack.duplicate_count = in.u16();
  sack.gap_bytes = in.bytes(std::size_t{4} * sack.gap_count);
  sack.duplicate_bytes = in.bytes(std::size_t{4} * sack.duplicate_count);
  if (!in.ok()) return std::nullopt;
  return sack;
}

std::optional<TlvReader::Tlv> TlvReader::next() noexcept {
  if (rest_.empty()) return std::nullopt;
  const std::size_t size = first_chunk_size(rest_);
  if (size == 0) {
    ok_ = false;
    rest_ = {};
    return std::nullopt;
  }
  const Tlv tlv{.type = load_be<std::uint16_t>(rest_.data()),
                .value = rest_.subspan(chunk_header_size, size - chunk_header_size),
                .whole = rest_.first(size)};
  rest_ = after(rest_, size);
  return tlv;
}

}  // namespace linnet::sctp
