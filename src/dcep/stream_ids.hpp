#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "dcep/channel.hpp"

namespace linnet::dcep {

/// RFC 8832 section 6: the DTLS client opens channels on even stream identifiers, the server on odd ones.
enum class Parity : std::uint8_t { Even, Odd };

/// Which stream identifiers are in use and by which channel. Owned by the session's data channels. Costs memory for the
/// identifiers in use only; never decides when one may be used again.
class StreamIds {
 public:
  /// RFC 8832 section 6: 65,535 is reserved.
  static constexpr std::uint16_t highest = 65'534;

  /// Marks a given identifier as used: false when it is used already or reserved.
  [[nodiscard]] bool claim(ChannelStream stream, ChannelNumber channel);
  /// Claims the lowest free identifier of this parity below `streams`, what the association negotiated.
  [[nodiscard]] std::optional<ChannelStream> allocate(Parity parity, ChannelNumber channel, std::size_t streams);
  void release(ChannelStream stream);

  [[nodiscard]] std::optional<ChannelNumber> find(ChannelStream stream) const;
  [[nodiscard]] std::size_t size() const noexcept { return used_.size(); }

 private:
  std::unordered_map<ChannelStream, ChannelNumber> used_;
  // No identifier of this parity below it is free.
  std::uint32_t lowest_[2] = {0, 1};
};

}  // namespace linnet::dcep
