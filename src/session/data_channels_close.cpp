// Closing: RFC 8831 section 6.7. A channel is closed when both sides have reset their direction of its stream.
#include <array>
#include <string>
#include <utility>

#include "session/data_channels.hpp"

namespace linnet::session {

void DataChannels::close_channel(TimePoint now, ChannelId id) {
  DataChannel* channel = get(id);
  if (!channel || channel->state == DataChannelState::Closed) return;
  // Also after the peer began: the reader is no longer interested, so nothing holds our reset back.
  channel->closed_here = true;
  if (channel->state == DataChannelState::Connecting && channel->opened_early && !connected()) {
    channel->state = DataChannelState::Closing;  // The peer will hear of the channel, and then of its end.
    return;
  }
  if (channel->state == DataChannelState::Connecting || !connected()) {
    set_closed(id, *channel, true);
    return;
  }
  for (const DataChannelMessage& m : channel->inbox) read_ahead_ -= m.data.size();
  std::exchange(channel->inbox, {});
  drop_unread(now, id, *channel);
  channel->state = DataChannelState::Closing;
  if (options_.trace != nullptr) trace_state("datachannel:closing", id, *channel);
  reset_outgoing(now, id, *channel);
}

void DataChannels::reset_outgoing(TimePoint now, ChannelId id, DataChannel& channel) {
  if (channel.outgoing_reset_asked || channel.state == DataChannelState::Closed || !association_) return;
  channel.outgoing_reset_asked = true;
  const bool opened_here = parity_ && (channel.stream->value() % 2 == 0) == (*parity_ == dcep::Parity::Even);
  if (opened_here && waiting_.contains(*channel.stream)) {
    // The OPEN has not left, and so nothing has: for the peer this channel never was.
    streams_.release(*channel.stream);
    set_closed(id, channel, true);
    return;
  }
  const std::array streams{sctp::StreamId{channel.stream->value()}};
  if (association_->reset_streams(now, streams)) return;
  // The peer cannot reset streams (or the association is about to end): closed for us, its id is not used again.
  set_closed(id, channel, true);
}

void DataChannels::incoming_reset(TimePoint now, std::span<const sctp::StreamId> streams) {
  if (streams.empty()) {  // All of them.
    early_.clear();
    for (const ChannelId id : all()) {
      DataChannel* channel = get(id);
      if (channel && channel->stream && channel->state != DataChannelState::Closed) incoming_reset(now, id, *channel);
    }
    return;
  }
  for (const sctp::StreamId s : streams) {
    const dcep::ChannelStream stream{s.value()};
    const auto id = channel_on(stream);
    DataChannel* channel = id ? get(*id) : nullptr;
    if (channel)
      incoming_reset(now, *id, *channel);
    else
      (void)early_.take(stream);
  }
}

void DataChannels::incoming_reset(TimePoint now, ChannelId id, DataChannel& channel) {
  if (channel.state == DataChannelState::Closed || channel.state == DataChannelState::Connecting) return;
  channel.incoming_reset = true;
  if (channel.state == DataChannelState::Open) {
    channel.state = DataChannelState::Closing;
    if (options_.trace != nullptr) trace_state("datachannel:closing", id, channel);
    events_.push(Session::ChannelClosing{id});
  }
  // What was not read keeps its place in the association only as long as the stream is this channel's.
  if (!channel.closed_here) {
    if (look_ahead(now, id, channel)) {
      tell_ready(id, channel);
      return;
    }
  }
  reset_outgoing(now, id, channel);
  finish_reset(now, id, channel);
}

void DataChannels::outgoing_reset(TimePoint now, std::span<const sctp::StreamId> streams) {
  for (const sctp::StreamId s : streams) {
    const auto id = channel_on(dcep::ChannelStream{s.value()});
    DataChannel* channel = id ? get(*id) : nullptr;
    if (!channel) continue;
    // It was of what the stream has been before this channel, whose own reset may have been asked for meanwhile.
    const bool former = send_waiting(now, *id, *channel);
    if (!channel->outgoing_reset_asked) continue;
    if (former && association_->reset_streams(now, std::array{s})) continue;
    channel->outgoing_reset = true;
    finish_reset(now, *id, *channel);
  }
}

void DataChannels::finish_reset(TimePoint now, ChannelId id, DataChannel& channel) {
  if (!channel.incoming_reset || !channel.outgoing_reset || channel.state == DataChannelState::Closed) return;
  const dcep::ChannelStream stream = *channel.stream;
  streams_.release(stream);
  set_closed(id, channel, true);
  // The peer was done earlier, and may have used the stream again before its answer to our reset arrived.
  early_message_ready(now, stream);
}

void DataChannels::reset_failed(const sctp::StreamResetFailed& failed) {
  for (const sctp::StreamId s : failed.streams) {
    const auto id = channel_on(dcep::ChannelStream{s.value()});
    DataChannel* channel = id ? get(*id) : nullptr;
    if (!channel || channel->state == DataChannelState::Closed) continue;
    events_.push(Session::ChannelError{*id, Error{.name = ErrorName::OperationError,
                                                  .message = "The data channel could not be closed: " + failed.text,
                                                  .detail = ErrorDetail::DataChannelFailure}});
    set_closed(*id, *channel, true);
  }
}

void DataChannels::refuse(TimePoint now, dcep::ChannelStream stream) {
  (void)early_.take(stream);
  if (!association_) return;
  const std::array streams{sctp::StreamId{stream.value()}};
  (void)association_->reset_streams(now, streams);  // At worst it is being reset already.
}

void DataChannels::violated(TimePoint now, ChannelId id, DataChannel& channel, std::string_view what) {
  if (std::exchange(channel.closed_here, true)) return;
  drop_begun(id);
  if (channel.state == DataChannelState::Closed) return;
  events_.push(Session::ChannelError{id, Error{.name = ErrorName::OperationError,
                                               .message = std::string{what},
                                               .detail = ErrorDetail::DataChannelFailure}});
  if (channel.state == DataChannelState::Open) {
    channel.state = DataChannelState::Closing;
    if (options_.trace != nullptr) trace_state("datachannel:closing", id, channel);
    events_.push(Session::ChannelClosing{id});
  }
  drop_unread(now, id, channel);  // Or it were early messages of the stream's next channel.
  reset_outgoing(now, id, channel);
}

void DataChannels::transport_closed(const std::optional<Error>& error) {
  early_.clear();
  waiting_.clear();
  blocked_.clear();
  for (const ChannelId id : all()) {
    DataChannel& channel = *get(id);
    if (channel.state == DataChannelState::Closed) continue;
    if (error) events_.push(Session::ChannelError{id, *error});
    set_closed(id, channel, true);
  }
}

void DataChannels::close() {
  early_.clear();
  waiting_.clear();
  blocked_.clear();
  discarding_ = true;
  for (const ChannelId id : all()) {
    DataChannel& channel = *get(id);
    channel.closed_here = true;
    if (channel.stream && channel.state != DataChannelState::Closed) discard(sctp::StreamId{channel.stream->value()});
    if (channel.state != DataChannelState::Closed) set_closed(id, channel, false);
  }
}

void DataChannels::set_closed(ChannelId id, DataChannel& channel, bool tell) {
  if (channel.announced) ++closed_count_;
  channel.unsent = buffered_amount(id);
  // Before a stream was used the id is free at once; afterwards only finish_reset() frees it.
  if (channel.state == DataChannelState::Connecting && channel.stream) streams_.release(*channel.stream);
  channel.state = DataChannelState::Closed;
  if (options_.trace != nullptr) trace_state("datachannel:closed", id, channel);
  channel.blocked = false;
  if (channel.stream) waiting_.erase(*channel.stream);
  drop_begun(id);
  blocked_.erase(id);
  --live_;
  channel.closed_as = next_closed_++;
  closed_.emplace(channel.closed_as, id);
  if (tell) events_.push(Session::ChannelClosed{id});
}

/// Forgets the channels that were closed first until another one with this much text may be kept.
void DataChannels::make_room(std::size_t label_bytes) {
  while (!closed_.empty() &&
         (closed_.size() > options_.max_closed || label_bytes_ + label_bytes > options_.max_label_bytes)) {
    forget(channels_.find(closed_.begin()->second));
  }
}

}  // namespace linnet::session
