#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "linnet/core/generator.hpp"
#include "sctp/association/options.hpp"
#include "sctp/association/state_cookie.hpp"
#include "sctp/packet/chunk.hpp"

// INIT and INIT-ACK, RFC 9260 sections 3.3.2 and 3.3.3: what we write into them and what we make of the peer's. Pure
// functions; the association keeps the state.
namespace linnet::sctp {

/// What one of ours says.
struct InitFields {
  std::uint32_t tag = 0;
  std::size_t window = 0;
  std::uint16_t streams = 0;
  Tsn initial;
  bool interleaving = false;
  bool ecn = false;
  bool zero_checksum = false;
};
/// Everything but a cookie.
void write_init_value(ByteWriter& out, const InitFields& fields);

/// Parameters that we do not know and are to report, as whole TLVs: for the INIT-ACK or an ERROR.
struct InitReport {
  std::array<std::byte, 256> bytes{};
  std::size_t size = 0;
  /// What does not fit is not reported.
  void add(std::span<const std::byte> parameter) noexcept;
  [[nodiscard]] std::span<const std::byte> written() const noexcept { return std::span{bytes}.first(size); }
};

/// One of the peer's; borrowed.
struct InitView {
  Handshake handshake;  // tags and TSNs as seen from here, the local ones still empty
  std::span<const std::byte> cookie;
  std::optional<CauseCode> problem;
};
[[nodiscard]] InitView read_init(std::span<const std::byte> value, const Options& options, InitReport& report);

/// The a_rwnd that an association of these options begins with.
[[nodiscard]] std::size_t first_window(const Options& options) noexcept;

// --- INITs that travel outside of SCTP (draft-hancke-tsvwg-snap) ---

/// A whole INIT chunk with a new tag and a new first TSN.
[[nodiscard]] std::vector<std::byte> make_init(const Options& options, Generator& generator);
/// The value of an INIT chunk that fills `chunk` (final padding may be there or not); nothing for any other bytes.
[[nodiscard]] std::optional<std::span<const std::byte>> init_value(std::span<const std::byte> chunk) noexcept;
/// An INIT that we would answer, had it come as a packet.
[[nodiscard]] bool is_acceptable_init(std::span<const std::byte> chunk);

}  // namespace linnet::sctp
