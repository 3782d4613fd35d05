#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/trace_buffer.hpp"
#include "crypto/certificate.hpp"
#include "jsep/negotiation.hpp"
#include "linnet/core/session.hpp"
#include "session/data_channels.hpp"
#include "session/event_queue.hpp"
#include "transport/transport.hpp"

namespace linnet {

/// The session behind its public face: jsep decides, the transport carries, the data channels speak. Owned by Session.
/// Each public member is one input; it ends with `settle`, which lets every part react, so that polling only drains.
class Session::Impl {
 public:
  Impl(Configuration configuration, Tuning tuning, Environment environment, transport::Options options);

  // impl.cpp: life and the machine
  void close(TimePoint now);
  void abort(TimePoint now);
  void handle_datagram(const Datagram& datagram);
  [[nodiscard]] Progress poll_transmit(TimePoint now, DatagramBatch& batch);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const noexcept;
  [[nodiscard]] std::optional<Event> poll_event();
  [[nodiscard]] std::optional<trace::Record> poll_trace() { return trace_ ? trace_->poll() : std::nullopt; }
  [[nodiscard]] std::optional<std::string> poll_key_log() { return key_log_ ? key_log_->poll() : std::nullopt; }

  // impl_transport.cpp
  void add_socket(TimePoint now, const LocalSocket& socket);
  void sockets_done(TimePoint now);
  void remove_socket(TimePoint now, const Endpoint& local, Protocol protocol);
  void resolved(TimePoint now, ResolveId id, std::span<const IpAddress> addresses);
  void connected(TimePoint now, const Path& path);
  void disconnected(TimePoint now, const Path& path, std::string_view why);

  // impl_negotiation.cpp
  [[nodiscard]] Result<SessionDescription> create_offer(const OfferOptions& options);
  [[nodiscard]] Result<SessionDescription> create_answer();
  [[nodiscard]] Result<> set_local_description(TimePoint now, std::optional<SessionDescription> description);
  [[nodiscard]] Result<> set_remote_description(TimePoint now, const SessionDescription& description);
  [[nodiscard]] Result<> add_ice_candidate(TimePoint now, const std::optional<IceCandidateInit>& candidate);
  void restart_ice(TimePoint now);
  [[nodiscard]] Result<> set_configuration(TimePoint now, Configuration configuration);
  [[nodiscard]] std::vector<std::string> local_username_fragments() const;

  // impl.cpp: channels
  [[nodiscard]] Result<ChannelId> create_data_channel(TimePoint now, std::string_view label,
                                                      const DataChannelInit& init);
  [[nodiscard]] Result<> send(TimePoint now, ChannelId channel, bool binary, std::span<const std::byte> data);
  [[nodiscard]] std::optional<DataChannelMessage> receive(ChannelId channel);
  void close_channel(TimePoint now, ChannelId channel);

  [[nodiscard]] StatsReport get_stats(TimePoint now) const;  // impl_stats.cpp
  void note_discarded(const Path& path, std::uint64_t packets, std::uint64_t bytes) {
    transport_->ice().note_discarded(path, packets, bytes);
  }

  // State that Session's getters show.
  [[nodiscard]] SignalingState signaling_state() const noexcept;
  [[nodiscard]] const Configuration& configuration() const noexcept { return configuration_; }
  [[nodiscard]] const jsep::Negotiation& negotiation() const noexcept { return negotiation_; }
  [[nodiscard]] const transport::Transport& transport() const noexcept { return *transport_; }
  [[nodiscard]] session::DataChannels& channels() noexcept { return channels_; }
  [[nodiscard]] const session::DataChannels& channels() const noexcept { return channels_; }
  [[nodiscard]] IceConnectionState ice_state() const noexcept { return ice_state_; }
  [[nodiscard]] IceGatheringState gathering_state() const noexcept { return gathering_state_; }
  [[nodiscard]] PeerConnectionState connection_state() const noexcept { return connection_state_; }
  [[nodiscard]] DtlsTransportState dtls_state() const noexcept { return dtls_state_; }
  [[nodiscard]] std::optional<SctpTransportState> sctp_state() const noexcept { return sctp_state_; }

 private:
  TimePoint advance(TimePoint now) noexcept {
    now_ = std::max(now_, now);
    if (trace_) trace_->advance(now_);
    return now_;
  }
  [[nodiscard]] Result<> check_open() const;
  void close_states();
  void settle();
  void tell(Event event);
  void update_connection_state();
  void set_dtls_state(DtlsTransportState state, std::optional<Error> error = {});
  void set_sctp_state(SctpTransportState state);
  void trace_state(std::string_view name, std::string_view before, std::string_view after);
  void update_negotiation_needed();
  [[nodiscard]] bool take_negotiation_needed();

  // impl_transport.cpp: what the transport tells
  void handle(transport::Transport::Event& event);
  void handle_ice(ice::Event& event);
  void handle_dtls(dtls::Connection::Event& event);
  void handle_sctp(sctp::Event& event);
  void local_candidate(const ice::Candidate& candidate);
  void gathering_changed(IceGatheringState state);
  void make_transport();
  void drop_transport();
  void close_sockets();

  // impl_pool.cpp: candidates before the first local description
  void update_pool(bool sources_changed);
  void fill_pool();
  void empty_pool();
  void open_pool();
  void show_end_of_pool();

  // impl_negotiation.cpp: what a description asks for
  void apply(const jsep::Changes& changes);
  void apply_local(const jsep::Changes& changes);
  void apply_remote(const jsep::Changes& changes);
  void add_remote_candidate(const std::string& candidate, const std::string& ufrag);

  Configuration configuration_;
  Tuning tuning_;
  transport::Options transport_options_;
  Generator& generator_;
  TimePoint now_{};
  std::unique_ptr<TraceBuffer> trace_;  ///< Null: nothing is traced. What is below has pointers to these two.
  std::unique_ptr<KeyLog> key_log_;

  session::EventQueue events_;
  jsep::Negotiation negotiation_;
  session::DataChannels channels_;
  std::unique_ptr<transport::Transport> transport_;
  /// The transport gathers for the candidate pool: nothing of it is told until a local description takes it.
  bool pooling_ = false;
  std::vector<IceCandidateError> pooled_errors_;
  bool local_described_ = false;  ///< setLocalDescription() has succeeded once.
  /// Counts the transports that this session has had: makes ids of `Resolve` unique.
  std::uint64_t epoch_ = 0;
  std::set<std::pair<Protocol, Endpoint>> sockets_;
  std::set<Path> streams_;
  std::optional<std::string> data_mid_;
  std::optional<std::uint16_t> data_m_line_index_;

  IceConnectionState ice_state_ = IceConnectionState::New;
  IceGatheringState gathering_state_ = IceGatheringState::New;
  PeerConnectionState connection_state_ = PeerConnectionState::New;
  DtlsTransportState dtls_state_ = DtlsTransportState::New;
  std::optional<SctpTransportState> sctp_state_;
  /// W3C [[NegotiationNeeded]] and whether a check waits in the event queue.
  bool negotiation_needed_ = false;
  bool negotiation_check_queued_ = false;
  bool closed_ = false;
  bool terminated_ = false;
};

}  // namespace linnet
