#pragma once

#include <array>
#include <chrono>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "linnet/core/generator.hpp"
#include "sctp/association/association.hpp"
#include "sctp/packet/checksum.hpp"
#include "sctp/packet/chunk.hpp"
#include "sctp/packet/packet_writer.hpp"

namespace linnet::sctp::testing {

using namespace std::chrono_literals;
using Bytes = std::vector<std::byte>;

/// Big-endian fields, one behind the other.
class Fields {
 public:
  Fields& u8(std::uint8_t value) { return put(value); }
  Fields& u16(std::uint16_t value) { return put(value); }
  Fields& u32(std::uint32_t value) { return put(value); }
  Fields& raw(std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  /// A parameter or cause with its padding.
  Fields& tlv(std::uint16_t type, std::span<const std::byte> value) {
    u16(type).u16(static_cast<std::uint16_t>(4 + value.size())).raw(value);
    bytes_.resize(padded(bytes_.size()));
    return *this;
  }
  Fields& tlv(std::uint16_t type, const Fields& value) { return tlv(type, std::span<const std::byte>(value.bytes_)); }
  operator const Bytes&() const { return bytes_; }  // NOLINT(google-explicit-constructor)

 private:
  template <class T>
  Fields& put(T value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    store_be(bytes_.data() + at, value);
    return *this;
  }
  Bytes bytes_;
};

struct WireChunk {
  ChunkType type{};
  std::uint8_t flags = 0;
  Bytes value;
};

/// An association whose peer is the test: it writes every byte that the association gets and reads every chunk that it
/// sends. For the tests of this module only.
class Wire {
 public:
  static constexpr std::uint32_t tag = 0x1234'5678;  // the peer's
  static constexpr std::uint32_t initial = 1'000;    // the peer's first TSN

  explicit Wire(Options options = {}) : association(options, generator_) {}

  /// An INIT's or INIT-ACK's value.
  static Fields init(std::uint32_t peer_tag = tag, std::uint32_t window = 1'000'000, std::uint16_t outbound = 100,
                     std::uint16_t inbound = 100) {
    constexpr std::array extensions{std::byte{130}, std::byte{192}};
    return Fields{}
        .u32(peer_tag)
        .u32(window)
        .u16(outbound)
        .u16(inbound)
        .u32(initial)
        .tlv(0xC000, Bytes{})
        .tlv(0x8008, extensions);
  }
  void packet(std::uint32_t with_tag, std::initializer_list<WireChunk> chunks, Checksum checksum = Checksum::Crc32c) {
    std::array<std::byte, 4'096> out;
    PacketWriter writer(out, {.source_port = 5'000, .destination_port = 5'000, .verification_tag = with_tag});
    for (const WireChunk& chunk : chunks) writer.chunk(chunk.type, chunk.flags, chunk.value);
    association.handle_packet(now, std::span<const std::byte>(out).first(writer.finish(checksum)));
  }
  void send(ChunkType type, const Bytes& value = {}, std::uint8_t flags = 0) { packet(local, {{type, flags, value}}); }
  static WireChunk data_chunk(std::uint32_t tsn, std::string_view text = "x", std::uint8_t flags = 3,
                              std::uint16_t stream = 1, std::uint16_t ssn = 0) {
    return {ChunkType::Data, flags, Fields{}.u32(tsn).u16(stream).u16(ssn).u32(51).raw(as_bytes(text))};
  }
  void data(std::uint32_t tsn, std::string_view text = "x", std::uint8_t flags = 3, std::uint16_t stream = 1,
            std::uint16_t ssn = 0) {
    packet(local, {data_chunk(tsn, text, flags, stream, ssn)});
  }
  void sack(std::uint32_t cumulative, std::uint32_t window = 1'000'000,
            std::initializer_list<std::pair<std::uint16_t, std::uint16_t>> gaps = {}) {
    Fields value;
    value.u32(cumulative).u32(window).u16(static_cast<std::uint16_t>(gaps.size())).u16(0);
    for (const auto& [first, last] : gaps) value.u16(first).u16(last);
    send(ChunkType::Sack, value);
  }

  /// Takes everything that the association has to say.
  void drain() {
    while (auto event = association.poll_event()) events.push_back(std::move(*event));
    std::array<std::byte, 2'048> out;
    while (const std::size_t size = association.poll_packet(now, out)) {
      ++packets;
      const auto packet = std::span<const std::byte>(out).first(size);
      const auto view = PacketView::parse(packet, Checksum::Zero);
      if (!view) continue;
      checksums.push_back(checksum_matches(packet) ? Checksum::Crc32c : Checksum::Zero);
      last_tag = view->header().verification_tag;
      for (const ChunkView chunk : *view)
        sent.push_back({chunk.type, chunk.flags, Bytes(chunk.value.begin(), chunk.value.end())});
    }
    while (auto event = association.poll_event()) events.push_back(std::move(*event));
  }
  /// What it says now, and nothing older.
  const std::vector<WireChunk>& answer() {
    sent.clear();
    checksums.clear();
    drain();
    return sent;
  }
  /// Fires timers, draining after each, until `time` passed or none is left.
  void pass(Duration time) {
    const TimePoint end = now + time;
    drain();
    while (association.next_timeout() <= end) {
      now = std::max(now, association.next_timeout());
      association.handle_timeout(now);
      drain();
    }
    now = end;
  }
  [[nodiscard]] const WireChunk* find(ChunkType type) const {
    for (const WireChunk& chunk : sent)
      if (chunk.type == type) return &chunk;
    return nullptr;
  }
  [[nodiscard]] std::size_t count(ChunkType type) const {
    std::size_t n = 0;
    for (const WireChunk& chunk : sent) n += chunk.type == type ? 1U : 0U;
    return n;
  }
  template <class E>
  [[nodiscard]] std::size_t count() const {
    std::size_t n = 0;
    for (const Event& event : events) n += std::holds_alternative<E>(event) ? 1U : 0U;
    return n;
  }
  template <class E>
  [[nodiscard]] const E* last() const {
    for (auto event = events.rbegin(); event != events.rend(); ++event)
      if (const E* found = std::get_if<E>(&*event)) return found;
    return nullptr;
  }

  /// Sends an INIT and takes tag, first TSN and cookie from the INIT-ACK; false without one.
  bool request(const Bytes& value = init()) {
    packet(0, {{ChunkType::Init, 0, value}});
    answer();
    const WireChunk* ack = find(ChunkType::InitAck);
    if (ack == nullptr) return false;
    ByteReader reader(ack->value);
    local = reader.u32();
    reader.skip(8);
    first_tsn = reader.u32();
    TlvReader parameters(reader.rest());
    while (const auto parameter = parameters.next())
      if (parameter->type == 7) cookie.assign(parameter->value.begin(), parameter->value.end());
    return true;
  }
  /// The peer's whole handshake.
  bool connect(std::uint32_t window = 1'000'000) {
    if (!request(init(tag, window))) return false;
    send(ChunkType::CookieEcho, cookie);
    drain();
    return find(ChunkType::CookieAck) != nullptr && count<Connected>() == 1;
  }
  [[nodiscard]] bool connected() const { return association.state() == SctpTransportState::Connected; }

 private:
  SeededGenerator generator_{7};

 public:
  Association association;
  TimePoint now{1s};
  std::uint32_t local = 0;      // the association's tag
  std::uint32_t first_tsn = 0;  // and its first TSN
  Bytes cookie;
  std::vector<WireChunk> sent;
  std::vector<Checksum> checksums;  // of the packets that bore them
  std::uint32_t last_tag = 0;
  std::size_t packets = 0;
  std::vector<Event> events;
};

}  // namespace linnet::sctp::testing
