#include "dcep/channel.hpp"

#include <algorithm>

namespace linnet::dcep {
namespace {

std::optional<std::uint16_t> narrowed(std::optional<std::uint32_t> value) {
  if (!value) return std::nullopt;
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(*value, 0xffff));
}

}  // namespace

Open open_message(const ChannelParameters& parameters) {
  return {.ordered = parameters.ordered,
          .max_retransmits = parameters.max_retransmits,
          .max_packet_life_time = parameters.max_packet_life_time,
          .priority = wire_priority(parameters.priority),
          .label = parameters.label,
          .protocol = parameters.protocol};
}

ChannelParameters parameters_of(Open open) {
  return {.label = std::move(open.label),
          .protocol = std::move(open.protocol),
          .ordered = open.ordered,
          .max_packet_life_time = narrowed(open.max_packet_life_time),
          .max_retransmits = narrowed(open.max_retransmits),
          .negotiated = false,
          .priority = priority_of(open.priority)};
}

}  // namespace linnet::dcep
