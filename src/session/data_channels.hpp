#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/trace_buffer.hpp"
#include "dcep/stream_ids.hpp"
#include "linnet/core/session.hpp"
#include "sctp/association/association.hpp"
#include "session/data_channel.hpp"
#include "session/early_messages.hpp"
#include "session/event_queue.hpp"

namespace linnet::session {

/// All data channels of one session: RFC 8831 and RFC 8832 on top of an SCTP association. Owned by the session, which
/// hands it the association's events and lends it the association; it writes the channels' events into the session's
/// queue. Never sees packets and never decides when the association lives or dies.
class DataChannels {
 public:
  struct Options {
    std::size_t max_channels = 65'534;
    std::size_t max_early_messages = 256;
    std::size_t max_early_bytes = std::size_t{1} << 20;
    std::size_t max_receive_size = 262'144;  ///< Bounds a message put together from deprecated partial ones.
    /// Bytes of begun ones over all channels; not below `max_receive_size`.
    std::size_t max_partial_bytes = std::size_t{1} << 20;
    /// Closed channels whose getters still answer; the oldest is forgotten.
    std::size_t max_closed = 1'024;
    /// Bytes of labels and protocols that the peer may make us keep.
    std::size_t max_label_bytes = std::size_t{16} << 20;
    TraceBuffer* trace = nullptr;  ///< Null: nothing is traced.
  };

  DataChannels(Options options, EventQueue& events) noexcept;

  // The association, once there is one; it must live until `detach`.
  void attach(sctp::Association& association) noexcept { association_ = &association; }
  /// After `transport_closed`. The next association begins anew: all stream identifiers are free, and the DTLS role
  /// may be the other one.
  void detach() noexcept;
  /// RFC 8832 section 6: the DTLS role of this association is known, so channels get their stream identifiers.
  void set_parity(dcep::Parity parity);
  /// What the peer takes at most; 0: anything.
  void set_max_message_size(std::size_t size) noexcept { max_message_size_ = size; }
  [[nodiscard]] std::size_t max_message_size() const noexcept { return max_message_size_; }
  void handle(TimePoint now, const sctp::Event& event);
  /// Closes all channels: the transport has gone, in order when there is no error.
  void transport_closed(const std::optional<Error>& error);
  /// W3C close(): all channels are closed, without an event. What still comes is thrown away, so that the peer can
  /// finish its own sending and the association can shut down.
  void close();

  // Verbs, as linnet::Session has them.
  [[nodiscard]] Result<ChannelId> create(TimePoint now, std::string_view label, const DataChannelInit& init);
  [[nodiscard]] Result<> send(TimePoint now, ChannelId id, bool binary, std::span<const std::byte> data);
  [[nodiscard]] std::optional<DataChannelMessage> receive(TimePoint now, ChannelId id);
  void close_channel(TimePoint now, ChannelId id);
  void release(ChannelId id);
  void set_low_threshold(ChannelId id, std::size_t bytes);

  [[nodiscard]] const DataChannel* find(ChannelId id) const noexcept;
  [[nodiscard]] std::size_t buffered_amount(ChannelId id) const noexcept;
  [[nodiscard]] std::size_t send_room() const noexcept;
  [[nodiscard]] bool send_held_up(ChannelId id) const noexcept;
  [[nodiscard]] bool send_queue_empty() const noexcept { return !association_ || association_->total_buffered() == 0; }
  /// Oldest first.
  [[nodiscard]] std::vector<ChannelId> all() const;
  /// W3C RTCPeerConnectionStats.dataChannelsOpened and dataChannelsClosed.
  [[nodiscard]] std::uint32_t opened() const noexcept { return opened_; }
  [[nodiscard]] std::uint32_t closed() const noexcept { return closed_count_; }

 private:
  using Channels = std::unordered_map<ChannelId, DataChannel>;

  [[nodiscard]] DataChannel* get(ChannelId id) noexcept;
  [[nodiscard]] bool connected() const noexcept;
  [[nodiscard]] std::optional<ChannelId> channel_on(dcep::ChannelStream stream) const;
  void assign_stream(ChannelId id, DataChannel& channel);
  void discard(sctp::StreamId stream);

  // data_channels_open.cpp
  void open_early(TimePoint now);
  void open_all(TimePoint now);
  void open(TimePoint now, ChannelId id, DataChannel& channel);
  void announce_open(ChannelId id, DataChannel& channel);
  void accept_open(TimePoint now, dcep::ChannelStream stream, dcep::Open open);
  void send_control(TimePoint now, dcep::ChannelStream stream, std::vector<std::byte> bytes);
  bool send_waiting(TimePoint now, ChannelId id, DataChannel& channel);
  void writable();
  void tell_writable(ChannelId id);

  // data_channels_receive.cpp
  void message_ready(TimePoint now, dcep::ChannelStream stream);
  void early_message_ready(TimePoint now, dcep::ChannelStream stream);
  void adopt_early(TimePoint now, ChannelId id, DataChannel& channel);
  [[nodiscard]] std::optional<DataChannelMessage> pull(TimePoint now, ChannelId id, DataChannel& channel);
  void drop_unread(TimePoint now, ChannelId id, DataChannel& channel);
  bool look_ahead(TimePoint now, ChannelId id, DataChannel& channel);
  void keep(DataChannel& channel, DataChannelMessage message);
  [[nodiscard]] std::optional<DataChannelMessage> take(TimePoint now, ChannelId id, DataChannel& channel,
                                                       sctp::Message message);
  void take_control(TimePoint now, ChannelId id, DataChannel& channel, const sctp::Message& message);
  void tell_ready(ChannelId id, DataChannel& channel);
  [[nodiscard]] bool begin_message(ChannelId id, std::span<const std::byte> part);
  [[nodiscard]] bool end_message(ChannelId id, std::vector<std::byte>& payload);
  void drop_begun(ChannelId id);

  // data_channels_close.cpp
  void incoming_reset(TimePoint now, std::span<const sctp::StreamId> streams);
  void incoming_reset(TimePoint now, ChannelId id, DataChannel& channel);
  void outgoing_reset(TimePoint now, std::span<const sctp::StreamId> streams);
  void reset_failed(const sctp::StreamResetFailed& failed);
  void reset_outgoing(TimePoint now, ChannelId id, DataChannel& channel);
  void refuse(TimePoint now, dcep::ChannelStream stream);
  void violated(TimePoint now, ChannelId id, DataChannel& channel, std::string_view what);
  void finish_reset(TimePoint now, ChannelId id, DataChannel& channel);
  void set_closed(ChannelId id, DataChannel& channel, bool tell);
  void make_room(std::size_t label_bytes);
  void forget(Channels::iterator channel);

  // data_channels_trace.cpp; only while there is a trace.
  void trace_state(std::string_view name, ChannelId id, const DataChannel& channel);
  void trace_message(bool sent, ChannelId id, const DataChannel& channel, bool binary, std::size_t bytes);

  Options options_;
  EventQueue& events_;
  sctp::Association* association_ = nullptr;
  std::size_t max_message_size_ = 65'536;
  std::optional<dcep::Parity> parity_;
  Channels channels_;
  dcep::StreamIds streams_;
  EarlyMessages early_;
  std::size_t live_ = 0;
  bool discarding_ = false;
  std::uint32_t next_ = 1;
  /// In the order of closing, by DataChannel::closed_as.
  std::map<std::uint64_t, ChannelId> closed_;
  std::uint64_t next_closed_ = 0;
  /// OPENs and ACKs of channels whose stream is still being reset from what it was before.
  std::map<dcep::ChannelStream, std::vector<std::byte>> waiting_;
  std::set<ChannelId> blocked_;
  /// The begins of messages sent in the deprecated partial form.
  std::map<ChannelId, std::vector<std::byte>> partial_;
  std::size_t partial_bytes_ = 0;
  /// Bytes in the inboxes: what was read ahead of the reader.
  std::size_t read_ahead_ = 0;
  std::size_t label_bytes_ = 0;
  std::uint32_t opened_ = 0;
  std::uint32_t closed_count_ = 0;
};

}  // namespace linnet::session
