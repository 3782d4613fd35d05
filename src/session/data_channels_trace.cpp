// What the channels write into the trace: never what is said on them.
#include <utility>

#include "session/data_channels.hpp"

namespace linnet::session {

void DataChannels::trace_state(std::string_view name, ChannelId id, const DataChannel& channel) {
  constexpr std::size_t most = 256;  // of a label, which may have 65,535 bytes
  trace::ChannelState record{.name = name, .channel = std::to_underlying(id)};
  if (channel.stream) record.stream = channel.stream->value();
  if (channel.state == DataChannelState::Open) record.label = channel.parameters.label.substr(0, most);
  options_.trace->add(std::move(record));
}

void DataChannels::trace_message(bool sent, ChannelId id, const DataChannel& channel, bool binary, std::size_t bytes) {
  options_.trace->add(trace::ChannelMessage{.sent = sent,
                                            .binary = binary,
                                            .channel = std::to_underlying(id),
                                            .stream = channel.stream ? channel.stream->value() : std::uint16_t{0},
                                            .bytes = bytes});
}

}  // namespace linnet::session
