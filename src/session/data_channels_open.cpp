// Opening: RFC 8832 section 6.
#include <utility>

#include "session/data_channels.hpp"

namespace linnet::session {

/// The association is about to stand, and what is sent now travels with SCTP's own handshake.
void DataChannels::open_early(TimePoint now) {
  for (const ChannelId id : all()) {
    DataChannel& channel = *get(id);
    const bool may = channel.state == DataChannelState::Connecting && !channel.parameters.negotiated &&
                     channel.stream && channel.stream->value() < association_->outgoing_streams();
    if (!may || std::exchange(channel.opened_early, true)) continue;
    send_control(now, *channel.stream, dcep::write(dcep::open_message(channel.parameters)));
  }
}

void DataChannels::open_all(TimePoint now) {
  for (const ChannelId id : all()) {
    DataChannel& channel = *get(id);
    if (channel.state == DataChannelState::Connecting) open(now, id, channel);
    // Closed here in the meantime.
    if (channel.state == DataChannelState::Closing) reset_outgoing(now, id, channel);
  }
}

void DataChannels::open(TimePoint now, ChannelId id, DataChannel& channel) {
  if (!channel.stream || channel.stream->value() >= association_->outgoing_streams()) {
    events_.push(Session::ChannelError{id, Error{.name = ErrorName::OperationError,
                                                 .message = "The peer takes no data channel with this id.",
                                                 .detail = ErrorDetail::DataChannelFailure}});
    set_closed(id, channel, true);
    return;
  }
  if (channel.parameters.negotiated) {
    // There is no handshake whose end could be awaited, so nothing has to stay ordered for its sake.
    channel.confirmed = true;
  } else if (!channel.opened_early) {
    send_control(now, *channel.stream, dcep::write(dcep::open_message(channel.parameters)));
  }
  announce_open(id, channel);
  adopt_early(now, id, channel);
}

void DataChannels::announce_open(ChannelId id, DataChannel& channel) {
  channel.state = DataChannelState::Open;
  if (options_.trace != nullptr) trace_state("datachannel:open", id, channel);
  ++opened_;
  channel.announced = true;
  association_->set_weight(sctp::StreamId{channel.stream->value()}, dcep::wire_priority(channel.parameters.priority));
  if (channel.low_threshold != 0) {
    association_->set_buffered_amount_low_threshold(sctp::StreamId{channel.stream->value()}, channel.low_threshold);
  }
  events_.push(Session::ChannelOpen{id});
}

void DataChannels::accept_open(TimePoint now, dcep::ChannelStream stream, dcep::Open open) {
  // RFC 8832 section 6: an identifier of our own parity is not the peer's to use.
  const bool ours = parity_ && (stream.value() % 2 == 0) == (*parity_ == dcep::Parity::Even);
  const std::size_t label_bytes = open.label.size() + open.protocol.size();
  make_room(label_bytes);
  const bool too_many = live_ >= options_.max_channels || label_bytes_ + label_bytes > options_.max_label_bytes;
  const ChannelId id{next_};
  if (ours || too_many || stream.value() >= association_->outgoing_streams() ||
      !streams_.claim(stream, dcep::ChannelNumber{next_})) {
    refuse(now, stream);
    return;
  }
  ++next_;
  ++live_;
  label_bytes_ += label_bytes;
  DataChannel& channel =
      channels_
          .emplace(id,
                   DataChannel{.parameters = dcep::parameters_of(std::move(open)), .stream = stream, .confirmed = true})
          .first->second;
  events_.push(Session::DataChannelAnnounced{id});
  send_control(now, stream, dcep::write(dcep::Ack{}));
  announce_open(id, channel);
  adopt_early(now, id, channel);
}

void DataChannels::send_control(TimePoint now, dcep::ChannelStream stream, std::vector<std::byte> bytes) {
  // A full queue does not hold it back, or what is said on the channel would come first. There is one for each channel
  // and it says what the channel keeps anyway, so that the limits of channels and labels bound these, too.
  const auto sent = association_->send(now, sctp::StreamId{stream.value()},
                                       sctp::Ppid{std::to_underlying(dcep::PayloadType::Control)}, bytes,
                                       {.counted = false, .beyond_limit = true});
  if (!sent && sent.error().name == ErrorName::OperationError) waiting_.insert_or_assign(stream, std::move(bytes));
}

/// What the stream was before is over. Whether the channel's first words waited for that.
bool DataChannels::send_waiting(TimePoint now, ChannelId id, DataChannel& channel) {
  auto waiting = waiting_.extract(*channel.stream);
  if (waiting) send_control(now, *channel.stream, std::move(waiting.mapped()));
  if (blocked_.erase(id) != 0) tell_writable(id);
  return !waiting.empty();
}

void DataChannels::writable() {
  // Room is of no use to a channel whose stream is being reset: `send_waiting` tells it later.
  std::erase_if(blocked_, [&](ChannelId id) {
    if (send_held_up(id)) return false;
    tell_writable(id);
    return true;
  });
}

void DataChannels::tell_writable(ChannelId id) {
  DataChannel* channel = get(id);
  if (!channel) return;
  channel->blocked = false;
  if (channel->state == DataChannelState::Open) events_.push(Session::ChannelWritable{id});
}

}  // namespace linnet::session
