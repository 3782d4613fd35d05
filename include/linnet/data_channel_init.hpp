#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "linnet/states.hpp"

namespace linnet {

/// W3C RTCDataChannelInit (with `priority` from the W3C WebRTC priority extension).
struct DataChannelInit {
  bool ordered = true;
  std::optional<std::uint16_t> max_packet_life_time{};  ///< Milliseconds; not together with max_retransmits.
  std::optional<std::uint16_t> max_retransmits{};
  std::string protocol{};  ///< At most 65,535 bytes of UTF-8.
  bool negotiated = false;
  std::optional<std::uint16_t> id{};  ///< 0 to 65,534; needed when negotiated, else ignored.
  Priority priority = Priority::Low;

  friend bool operator==(const DataChannelInit&, const DataChannelInit&) = default;
};

}  // namespace linnet
