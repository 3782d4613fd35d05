#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/strong.hpp"
#include "dcep/message.hpp"
#include "linnet/states.hpp"

namespace linnet::dcep {

/// The SCTP stream identifier of a channel, in both directions.
using ChannelStream = Strong<struct ChannelStreamTag, std::uint16_t>;
/// Names a channel inside its table, for good; the stream identifier comes later and is used again.
using ChannelNumber = Strong<struct ChannelNumberTag, std::uint32_t>;

/// What is fixed when a channel is created.
struct ChannelParameters {
  std::string label{};
  std::string protocol{};
  bool ordered = true;
  std::optional<std::uint16_t> max_packet_life_time{};  ///< Milliseconds.
  std::optional<std::uint16_t> max_retransmits{};
  bool negotiated = false;
  Priority priority = Priority::Low;

  friend bool operator==(const ChannelParameters&, const ChannelParameters&) = default;
};

/// What goes into the DATA_CHANNEL_OPEN of a channel, and what a channel is made of from one. A limit above the W3C's
/// 16 bits becomes 65,535.
[[nodiscard]] Open open_message(const ChannelParameters& parameters);
[[nodiscard]] ChannelParameters parameters_of(Open open);

}  // namespace linnet::dcep
