// Receiving: messages stay in the association, where they hold the advertised window down, until they are read. They
// are taken earlier only to find a DCEP message among them.
#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "session/data_channels.hpp"

namespace linnet::session {
namespace {

constexpr std::uint32_t control = std::to_underlying(dcep::PayloadType::Control);
constexpr std::string_view too_large_in_parts = "Messages in parts are larger than we take.";

}  // namespace

void DataChannels::message_ready(TimePoint now, dcep::ChannelStream stream) {
  const auto id = channel_on(stream);
  DataChannel* channel = id ? get(*id) : nullptr;
  if (!channel || channel->state == DataChannelState::Connecting) {
    early_message_ready(now, stream);
    return;
  }
  if (channel->is_given_up()) return;  // finish_reset() takes it.
  if (channel->closed_here) {
    drop_unread(now, *id, *channel);
    return;
  }
  // Until the channel is confirmed an ACK may be in front, which is not the reader's business. Not beyond the limit: a
  // peer that fills thousands of channels nobody reads must find its window closed.
  if (!channel->confirmed && read_ahead_ < options_.max_early_bytes) {
    if (!look_ahead(now, *id, *channel)) return;
  }
  tell_ready(*id, *channel);
}

void DataChannels::tell_ready(ChannelId id, DataChannel& channel) {
  if (channel.ready_told || channel.closed_here || channel.state == DataChannelState::Closed) return;
  channel.ready_told = true;
  events_.push(Session::ChannelMessageReady{id});
}

std::optional<DataChannelMessage> DataChannels::receive(TimePoint now, ChannelId id) {
  DataChannel* channel = get(id);
  if (!channel || channel->closed_here || channel->state == DataChannelState::Connecting) return std::nullopt;
  std::optional<DataChannelMessage> message;
  if (channel->inbox.empty()) {
    message = pull(now, id, *channel);
  } else {
    message = std::move(channel->inbox.front());
    channel->inbox.erase(channel->inbox.begin());
    if (channel->inbox.empty()) std::exchange(channel->inbox, {});  // Its memory may never be needed again.
    read_ahead_ -= message->data.size();
  }
  if (!message) {
    channel->ready_told = false;
    // The peer has closed the channel and everything it sent before was read: now our direction may go too.
    if (channel->incoming_reset) reset_outgoing(now, id, *channel);
    return std::nullopt;
  }
  if (options_.trace != nullptr) trace_message(false, id, *channel, message->binary, message->data.size());
  ++channel->messages_received;
  channel->bytes_received += message->data.size();
  return message;
}

/// The next message that the association has for the reader.
std::optional<DataChannelMessage> DataChannels::pull(TimePoint now, ChannelId id, DataChannel& channel) {
  // A closed channel whose stream may be another's by now has nothing left there.
  while (association_ && channel.stream && !channel.is_given_up() && channel_on(*channel.stream) == id) {
    auto message = association_->receive(sctp::StreamId{channel.stream->value()});
    if (!message) break;
    if (auto taken = take(now, id, channel, std::move(*message))) return taken;
  }
  return std::nullopt;
}

void DataChannels::drop_unread(TimePoint now, ChannelId id, DataChannel& channel) {
  while (pull(now, id, channel)) {
  }
}

/// Whether there is a message for the reader; it is then in the inbox.
bool DataChannels::look_ahead(TimePoint now, ChannelId id, DataChannel& channel) {
  if (!channel.inbox.empty()) return true;
  auto message = pull(now, id, channel);
  if (!message) return false;
  keep(channel, std::move(*message));
  return true;
}

void DataChannels::keep(DataChannel& channel, DataChannelMessage message) {
  read_ahead_ += message.data.size();
  channel.inbox.push_back(std::move(message));
}

/// What of it is the reader's: nothing of DCEP, of an unfinished message, or of a channel that was closed here.
std::optional<DataChannelMessage> DataChannels::take(TimePoint now, ChannelId id, DataChannel& channel,
                                                     sctp::Message message) {
  if (message.ppid.value() == control) {
    take_control(now, id, channel, message);
    return std::nullopt;
  }
  channel.confirmed = true;
  if (channel.closed_here) return std::nullopt;

  using dcep::PayloadType;
  const auto type = static_cast<PayloadType>(message.ppid.value());
  switch (type) {
    case PayloadType::TextPartial:
    case PayloadType::BinaryPartial:
      if (!begin_message(id, message.payload)) violated(now, id, channel, too_large_in_parts);
      return std::nullopt;
    case PayloadType::Text:
    case PayloadType::Binary:
      if (end_message(id, message.payload)) break;
      violated(now, id, channel, too_large_in_parts);
      return std::nullopt;
    case PayloadType::TextEmpty:
    case PayloadType::BinaryEmpty: message.payload.clear(); break;
    default: return std::nullopt;  // No data channel message: nothing says how to read it.
  }
  const bool binary = type == PayloadType::Binary || type == PayloadType::BinaryEmpty;
  return DataChannelMessage{.binary = binary, .data = std::move(message.payload)};
}

/// RFC 8831 section 6.6: deprecated, so no one but a hostile peer makes them large or many. False: more than we take.
bool DataChannels::begin_message(ChannelId id, std::span<const std::byte> part) {
  if (part.size() > options_.max_partial_bytes - partial_bytes_) return false;
  auto& begin = partial_[id];
  if (part.size() > options_.max_receive_size - begin.size()) return false;
  begin.insert(begin.end(), part.begin(), part.end());
  partial_bytes_ += part.size();
  return true;
}

/// Puts what was begun, if anything, before `payload`. False: the whole is more than we take.
bool DataChannels::end_message(ChannelId id, std::vector<std::byte>& payload) {
  const auto begun = partial_.find(id);
  if (begun == partial_.end()) return true;
  if (payload.size() > options_.max_receive_size - begun->second.size()) return false;
  std::vector<std::byte> whole = std::move(begun->second);
  partial_bytes_ -= whole.size();
  partial_.erase(begun);
  whole.insert(whole.end(), payload.begin(), payload.end());
  payload = std::move(whole);
  return true;
}

void DataChannels::drop_begun(ChannelId id) {
  const auto begun = partial_.find(id);
  if (begun == partial_.end()) return;
  partial_bytes_ -= begun->second.size();
  partial_.erase(begun);
}

void DataChannels::take_control(TimePoint now, ChannelId id, DataChannel& channel, const sctp::Message& message) {
  const auto parsed = dcep::parse(message.payload);
  if (parsed && std::holds_alternative<dcep::Ack>(*parsed)) {
    channel.confirmed = true;  // One that nobody waits for does no harm.
    return;
  }
  // RFC 8832 section 6: an OPEN on a stream in use closes its channel; so does what cannot be read.
  violated(
      now, id, channel,
      parsed ? "The peer opened a data channel that is open." : "A message of the establishment protocol is broken.");
}

void DataChannels::early_message_ready(TimePoint now, dcep::ChannelStream stream) {
  if (!association_) return;
  while (auto message = association_->receive(sctp::StreamId{stream.value()})) {
    const bool unclaimed = !channel_on(stream);
    if (message->ppid.value() == control && unclaimed) {
      auto parsed = dcep::parse(message->payload);
      if (parsed && std::holds_alternative<dcep::Open>(*parsed)) {
        accept_open(now, stream, std::get<dcep::Open>(std::move(*parsed)));
        return;  // What follows is the channel's: it tells the reader itself.
      }
      if (parsed) continue;  // An ACK for a channel that is gone.
      refuse(now, stream);
      continue;
    }
    if (!early_.add(stream, std::move(*message))) {
      refuse(now, stream);
      continue;
    }
  }
}

void DataChannels::adopt_early(TimePoint now, ChannelId id, DataChannel& channel) {
  for (sctp::Message& early : early_.take(*channel.stream)) {
    if (auto message = take(now, id, channel, std::move(early))) keep(channel, std::move(*message));
  }
  // The association tells of a stream once; what came behind the OPEN was told together with it.
  if (read_ahead_ < options_.max_early_bytes && !look_ahead(now, id, channel)) return;
  tell_ready(id, channel);
}

}  // namespace linnet::session
