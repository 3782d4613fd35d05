#include "sctp/association/init_chunk.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "sctp/packet/packet_writer.hpp"

namespace linnet::sctp {
namespace {

constexpr std::uint16_t parameter_state_cookie = 7;
constexpr std::uint16_t parameter_host_name = 11;
constexpr std::uint16_t parameter_ecn_capable = 0x8000;
constexpr std::uint16_t parameter_zero_checksum_acceptable = 0x8001;
constexpr std::uint16_t parameter_supported_extensions = 0x8008;
constexpr std::uint16_t parameter_forward_tsn_supported = 0xC000;
constexpr std::uint32_t min_peer_window = 1'500;

/// Parameters that may stand in an INIT or INIT-ACK and mean nothing over DTLS: addresses, cookie preservative,
/// unrecognized parameters, supported address types, authentication, adaptation.
bool is_known(std::uint16_t type) noexcept {
  switch (type) {
    case 5:
    case 6:
    case 8:
    case 9:
    case 12:
    case 0x8002:
    case 0x8003:
    case 0x8004:
    case 0xC006: return true;
    default: return false;
  }
}

}  // namespace

void write_init_value(ByteWriter& out, const InitFields& fields) {
  out.u32(fields.tag);
  out.u32(static_cast<std::uint32_t>(std::min<std::size_t>(fields.window, UINT32_MAX)));
  out.u16(fields.streams);
  out.u16(fields.streams);
  out.u32(fields.initial.value());
  write_tlv(out, parameter_forward_tsn_supported, {});  // RFC 3758 section 3.1
  // RFC 5061 section 4.2.7: Supported Extensions; RFC 8260 section 2.2.1.
  constexpr std::array extensions{
      static_cast<std::byte>(ChunkType::Reconfig), static_cast<std::byte>(ChunkType::ForwardTsn),
      static_cast<std::byte>(ChunkType::IData), static_cast<std::byte>(ChunkType::IForwardTsn)};
  constexpr std::size_t without_interleaving = 2;
  write_tlv(
      out, parameter_supported_extensions,
      std::span<const std::byte>(extensions).first(fields.interleaving ? extensions.size() : without_interleaving));
  write_tlv(out, parameter_large_packets, {});
  if (fields.ecn) write_tlv(out, parameter_ecn_capable, {});  // RFC 4960 appendix A
  if (fields.zero_checksum) {
    std::array<std::byte, 4> method;
    store_be(method.data(), error_detection_by_dtls);
    write_tlv(out, parameter_zero_checksum_acceptable, method);  // RFC 9653 section 4
  }
}

void InitReport::add(std::span<const std::byte> parameter) noexcept {
  const std::size_t whole = padded(parameter.size());
  if (whole > bytes.size() - size) return;
  const std::span<std::byte> room = std::span{bytes}.subspan(size, whole);
  std::ranges::fill(room, std::byte{0});
  std::ranges::copy(parameter, room.begin());
  size += whole;
}

//  |                         Initiate Tag                          |
//  |           Advertised Receiver Window Credit (a_rwnd)          |
//  |  Number of Outbound Streams   |   Number of Inbound Streams   |
//  |                          Initial TSN                          |
//  /              Optional/Variable-Length Parameters              /
InitView read_init(std::span<const std::byte> value, const Options& options, InitReport& report) {
  InitView init;
  ByteReader reader(value);
  init.handshake.peer_tag = reader.u32();
  init.handshake.peer_window = reader.u32();
  const std::uint16_t outbound = reader.u16();
  const std::uint16_t inbound = reader.u16();
  init.handshake.peer_initial = Tsn{reader.u32()};
  init.handshake.outgoing_streams = std::min(options.streams, inbound);
  init.handshake.incoming_streams = std::min(options.streams, outbound);
  // RFC 9260 section 3.3.2: zero streams and a window under 1500 are errors.
  if (!reader.ok() || outbound == 0 || inbound == 0 || init.handshake.peer_window < min_peer_window)
    init.problem = CauseCode::InvalidMandatoryParameter;
  report.size = 0;
  TlvReader parameters(reader.rest());
  while (const auto parameter = parameters.next()) {
    if (parameter->type == parameter_state_cookie) {
      init.cookie = parameter->value;
    } else if (parameter->type == parameter_forward_tsn_supported) {
      init.handshake.forward_tsn = true;
    } else if (parameter->type == parameter_large_packets) {
      init.handshake.large_packets = true;
    } else if (parameter->type == parameter_ecn_capable) {
      init.handshake.ecn = options.ecn;
    } else if (parameter->type == parameter_zero_checksum_acceptable) {
      // RFC 9653 section 4: one that names a method we do not know is as good as none.
      ByteReader method(parameter->value);
      init.handshake.zero_checksum = options.zero_checksum && method.u32() == error_detection_by_dtls && method.ok();
    } else if (parameter->type == parameter_supported_extensions) {
      const auto lists = [&](ChunkType type) {
        return std::ranges::find(parameter->value, static_cast<std::byte>(type)) != parameter->value.end();
      };
      init.handshake.reconfig |= lists(ChunkType::Reconfig);
      init.handshake.forward_tsn |= lists(ChunkType::ForwardTsn);
      // RFC 8260 section 2.2.1. Partial reliability is not given up for it, so both or none.
      init.handshake.interleaving = options.interleaving && lists(ChunkType::IData) && lists(ChunkType::IForwardTsn);
      init.handshake.forward_tsn |= init.handshake.interleaving;
    } else if (parameter->type == parameter_host_name) {
      init.problem = CauseCode::UnresolvableAddress;
    } else if (!is_known(parameter->type)) {
      // Section 3.2.1: the two highest bits say whether to go on and whether to report.
      if ((parameter->type & 0x4000U) != 0) report.add(parameter->whole);
      if ((parameter->type & 0x8000U) == 0) return init;
    }
  }
  if (!parameters.ok()) init.problem = CauseCode::ProtocolViolation;
  return init;
}

std::size_t first_window(const Options& options) noexcept {
  return std::max(std::min(options.initial_receive_window, options.receive_window), 2 * options.max_message_size);
}

std::vector<std::byte> make_init(const Options& options, Generator& generator) {
  std::array<std::byte, 64> out{};
  InitFields fields{.window = first_window(options),
                    .streams = std::max<std::uint16_t>(options.streams, 1),
                    .interleaving = options.interleaving,
                    .ecn = options.ecn,
                    .zero_checksum = options.zero_checksum};
  do fields.tag = generator.next_u32();
  while (fields.tag == 0);
  fields.initial = Tsn{generator.next_u32()};
  ByteWriter value(std::span{out}.subspan(chunk_header_size));
  write_init_value(value, fields);
  assert(value.ok());
  ByteWriter header(out);
  header.u8(std::to_underlying(ChunkType::Init));
  header.u8(0);
  header.u16(static_cast<std::uint16_t>(chunk_header_size + value.size()));
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(chunk_header_size + value.size())};
}

std::optional<std::span<const std::byte>> init_value(std::span<const std::byte> chunk) noexcept {
  ByteReader reader(chunk);
  const auto type = static_cast<ChunkType>(reader.u8());
  reader.skip(1);
  const std::size_t size = reader.u16();
  if (!reader.ok() || type != ChunkType::Init || size < chunk_header_size) return std::nullopt;
  if (chunk.size() != size && chunk.size() != padded(size)) return std::nullopt;
  return chunk.subspan(chunk_header_size, size - chunk_header_size);
}

bool is_acceptable_init(std::span<const std::byte> chunk) {
  const auto value = init_value(chunk);
  if (!value) return false;
  InitReport report;
  const InitView init = read_init(*value, {}, report);
  return !init.problem && init.handshake.peer_tag != 0;
}

}  // namespace linnet::sctp
