#include "session/data_channels.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <string>
#include <utility>

namespace linnet::session {
namespace {

sctp::StreamId sctp_stream(dcep::ChannelStream stream) noexcept { return sctp::StreamId{stream.value()}; }
dcep::ChannelNumber number_of(ChannelId id) noexcept { return dcep::ChannelNumber{std::to_underlying(id)}; }

constexpr std::byte empty_payload[1] = {std::byte{0}};

}  // namespace

DataChannels::DataChannels(Options options, EventQueue& events) noexcept
    : options_(options), events_(events), early_(options.max_early_messages, options.max_early_bytes) {
  options_.max_partial_bytes = std::max(options_.max_partial_bytes, options_.max_receive_size);
}

DataChannel* DataChannels::get(ChannelId id) noexcept {
  const auto it = channels_.find(id);
  return it == channels_.end() ? nullptr : &it->second;
}

const DataChannel* DataChannels::find(ChannelId id) const noexcept {
  const auto it = channels_.find(id);
  return it == channels_.end() ? nullptr : &it->second;
}

std::vector<ChannelId> DataChannels::all() const {
  std::vector<ChannelId> ids;
  ids.reserve(channels_.size());
  for (const auto& [id, channel] : channels_) ids.push_back(id);
  std::ranges::sort(ids);
  return ids;
}

bool DataChannels::connected() const noexcept {
  return association_ != nullptr && association_->state() == SctpTransportState::Connected;
}

std::optional<ChannelId> DataChannels::channel_on(dcep::ChannelStream stream) const {
  const auto number = streams_.find(stream);
  if (!number) return std::nullopt;
  return ChannelId{number->value()};
}

void DataChannels::handle(TimePoint now, const sctp::Event& event) {
  if (discarding_) {
    if (const auto* ready = std::get_if<sctp::MessageReady>(&event)) discard(ready->stream);
    return;
  }
  std::visit(
      [&](const auto& e) {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, sctp::PeerAnswered>) {
          open_early(now);
        } else if constexpr (std::is_same_v<E, sctp::Connected>) {
          open_all(now);
        } else if constexpr (std::is_same_v<E, sctp::MessageReady>) {
          message_ready(now, dcep::ChannelStream{e.stream.value()});
        } else if constexpr (std::is_same_v<E, sctp::BufferedAmountLow>) {
          const auto id = channel_on(dcep::ChannelStream{e.stream.value()});
          const DataChannel* channel = id ? find(*id) : nullptr;
          if (channel && channel->state == DataChannelState::Open) events_.push(Session::ChannelBufferedAmountLow{*id});
        } else if constexpr (std::is_same_v<E, sctp::Writable>) {
          writable();
        } else if constexpr (std::is_same_v<E, sctp::IncomingStreamsReset>) {
          incoming_reset(now, e.streams);
        } else if constexpr (std::is_same_v<E, sctp::OutgoingStreamsReset>) {
          outgoing_reset(now, e.streams);
        } else if constexpr (std::is_same_v<E, sctp::StreamResetFailed>) {
          reset_failed(e);
        } else if constexpr (std::is_same_v<E, sctp::Closed>) {
          transport_closed(std::nullopt);
        } else {
          static_assert(std::is_same_v<E, sctp::Failed>);
          transport_closed(e.error);
        }
      },
      event);
}

Result<ChannelId> DataChannels::create(TimePoint now, std::string_view label, const DataChannelInit& init) {
  // W3C createDataChannel(), steps in its order.
  if (label.size() > 65'535) return fail(ErrorName::TypeError, "The label is longer than 65535 bytes.");
  if (init.protocol.size() > 65'535) return fail(ErrorName::TypeError, "The protocol is longer than 65535 bytes.");
  if (init.negotiated && !init.id) return fail(ErrorName::TypeError, "A negotiated channel needs an id.");
  if (init.max_packet_life_time && init.max_retransmits) {
    return fail(ErrorName::TypeError, "maxPacketLifeTime and maxRetransmits exclude one another.");
  }
  if (init.negotiated && *init.id > dcep::StreamIds::highest) {
    return fail(ErrorName::TypeError, "The id 65535 is reserved.");
  }
  if (live_ >= options_.max_channels) return fail(ErrorName::OperationError, "There are too many data channels.");

  const ChannelId id{next_};
  DataChannel channel{.parameters = {.label = std::string{label},
                                     .protocol = init.protocol,
                                     .ordered = init.ordered,
                                     .max_packet_life_time = init.max_packet_life_time,
                                     .max_retransmits = init.max_retransmits,
                                     .negotiated = init.negotiated,
                                     .priority = init.priority}};
  if (init.negotiated) {
    const dcep::ChannelStream stream{*init.id};
    if (connected() && stream.value() >= association_->outgoing_streams()) {
      return fail(ErrorName::OperationError, "The id is above what was negotiated with the peer.");
    }
    if (!streams_.claim(stream, number_of(id))) return fail(ErrorName::OperationError, "The id is in use.");
    channel.stream = stream;
  } else if (parity_) {
    assign_stream(id, channel);
    if (!channel.stream) return fail(ErrorName::OperationError, "All ids are in use.");
  }
  make_room(label.size() + init.protocol.size());
  ++next_;
  ++live_;
  label_bytes_ += channel.parameters.label.size() + channel.parameters.protocol.size();
  DataChannel& kept = channels_.emplace(id, std::move(channel)).first->second;
  if (connected()) open(now, id, kept);
  return id;
}

void DataChannels::assign_stream(ChannelId id, DataChannel& channel) {
  const std::size_t limit = connected() ? association_->outgoing_streams() : std::size_t{65'535};
  channel.stream = streams_.allocate(*parity_, number_of(id), limit);
}

void DataChannels::detach() noexcept {
  assert(live_ == 0);
  association_ = nullptr;
  streams_ = {};
  parity_.reset();
}

void DataChannels::set_parity(dcep::Parity parity) {
  if (parity_) return;
  parity_ = parity;
  for (const ChannelId id : all()) {
    DataChannel& channel = *get(id);
    if (channel.stream || channel.state != DataChannelState::Connecting) continue;
    assign_stream(id, channel);
    if (channel.stream) continue;
    events_.push(Session::ChannelError{id, Error{.name = ErrorName::OperationError,
                                                 .message = "No id was left for the data channel.",
                                                 .detail = ErrorDetail::DataChannelFailure}});
    set_closed(id, channel, true);
  }
}

Result<> DataChannels::send(TimePoint now, ChannelId id, bool binary, std::span<const std::byte> data) {
  DataChannel* channel = get(id);
  if (!channel || channel->state != DataChannelState::Open || !association_) {
    return fail(ErrorName::InvalidStateError, "The data channel is not open.");
  }
  if (max_message_size_ != 0 && data.size() > max_message_size_) {
    return fail(ErrorName::TypeError,
                "The message is larger than the peer takes (" + std::to_string(max_message_size_) + " bytes).");
  }
  using dcep::PayloadType;
  const PayloadType type = data.empty() ? (binary ? PayloadType::BinaryEmpty : PayloadType::TextEmpty)
                                        : (binary ? PayloadType::Binary : PayloadType::Text);
  sctp::SendOptions options{.unordered = !channel->parameters.ordered && channel->confirmed,
                            .max_retransmits = channel->parameters.max_retransmits,
                            .counted = !data.empty()};
  if (channel->parameters.max_packet_life_time) {
    options.lifetime = std::chrono::milliseconds{*channel->parameters.max_packet_life_time};
  }
  // RFC 8831 section 6.6: an empty message is one zero byte under an identifier that says so. W3C bufferedAmount counts
  // what the application said.
  const auto payload = data.empty() ? std::span<const std::byte>{empty_payload} : data;
  Result<> sent = waiting_.contains(*channel->stream)
                      ? fail(ErrorName::OperationError, "The data channel's OPEN or ACK has not left yet.")
                      : association_->send(now, sctp_stream(*channel->stream), sctp::Ppid{std::to_underlying(type)},
                                           payload, options);
  if (!sent) {
    if (sent.error().name == ErrorName::OperationError && !std::exchange(channel->blocked, true)) blocked_.insert(id);
    return sent;
  }
  if (options_.trace != nullptr) trace_message(true, id, *channel, binary, data.size());
  ++channel->messages_sent;
  channel->bytes_sent += data.size();
  return {};
}

void DataChannels::discard(sctp::StreamId stream) {
  while (association_ && association_->receive(stream)) {
  }
}

void DataChannels::release(ChannelId id) {
  const DataChannel* channel = find(id);
  if (!channel || channel->state != DataChannelState::Closed) return;
  forget(channels_.find(id));
}

void DataChannels::forget(Channels::iterator it) {
  const DataChannel& channel = it->second;
  for (const DataChannelMessage& m : channel.inbox) read_ahead_ -= m.data.size();
  label_bytes_ -= channel.parameters.label.size() + channel.parameters.protocol.size();
  closed_.erase(channel.closed_as);
  drop_begun(it->first);
  channels_.erase(it);
}

void DataChannels::set_low_threshold(ChannelId id, std::size_t bytes) {
  DataChannel* channel = get(id);
  if (!channel) return;
  channel->low_threshold = bytes;
  const bool live = channel->state == DataChannelState::Open || channel->state == DataChannelState::Closing;
  if (live && association_) association_->set_buffered_amount_low_threshold(sctp_stream(*channel->stream), bytes);
}

std::size_t DataChannels::buffered_amount(ChannelId id) const noexcept {
  const DataChannel* channel = find(id);
  if (!channel) return 0;
  // W3C: the value "does not reset to zero once the channel closes"; the stream may be another channel's by now.
  if (channel->state == DataChannelState::Closed) return channel->unsent;
  const bool on_stream = association_ && channel->stream;
  return on_stream ? association_->buffered_amount(sctp_stream(*channel->stream)) : 0;
}

/// What the stream was before is still being reset, or a channel's first words wait for that.
bool DataChannels::send_held_up(ChannelId id) const noexcept {
  const DataChannel* channel = find(id);
  const bool live = channel && channel->state == DataChannelState::Open && channel->stream && association_;
  return live && (waiting_.contains(*channel->stream) || association_->resetting(sctp_stream(*channel->stream)));
}

std::size_t DataChannels::send_room() const noexcept { return association_ ? association_->send_room() : 0; }

}  // namespace linnet::session
