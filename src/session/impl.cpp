#include "session/impl.hpp"

#include <utility>

#include "base/bytes.hpp"
#include "sctp/association/init_chunk.hpp"
#include "session/aggregate_state.hpp"

namespace linnet {
namespace {

jsep::Options jsep_options(const Tuning& tuning, const transport::Options& transport) {
  const crypto::Fingerprint fingerprint = transport.dtls.certificate.fingerprint();
  std::optional<jsep::SctpInits> inits;
  if (tuning.experimental_snap) {
    inits = jsep::SctpInits{
        .make = [sctp = transport.sctp](Generator& generator) { return sctp::make_init(sctp, generator); },
        .acceptable = sctp::is_acceptable_init};
  }
  return {.fingerprints = {{.algorithm = fingerprint.algorithm, .value = fingerprint.value_text()}},
          .max_message_size = tuning.max_message_size,
          .ice_lite = tuning.ice_lite,
          .sctp_inits = std::move(inits)};
}

// A connection has one line for each DTLS handshake; somebody takes them.
constexpr std::size_t max_key_lines = 16;

session::DataChannels::Options channel_options(const Tuning& tuning, TraceBuffer* trace) {
  return {.max_channels = tuning.max_channels,
          .max_early_messages = tuning.max_early_messages,
          .max_early_bytes = tuning.max_early_bytes,
          .max_receive_size = tuning.max_message_size,
          .trace = trace};
}

}  // namespace

Session::Impl::Impl(Configuration configuration, Tuning tuning, Environment environment, transport::Options options)
    : configuration_(std::move(configuration)),
      tuning_(tuning),
      transport_options_(std::move(options)),
      generator_(environment.generator),
      trace_(environment.trace_records != 0 ? std::make_unique<TraceBuffer>(environment.trace_records) : nullptr),
      key_log_(environment.key_log ? std::make_unique<KeyLog>(max_key_lines) : nullptr),
      negotiation_(jsep_options(tuning_, transport_options_), generator_),
      channels_(channel_options(tuning_, trace_.get()), events_) {
  transport_options_.ice.trace = transport_options_.dtls.trace = transport_options_.sctp.trace = trace_.get();
  transport_options_.dtls.key_log = key_log_.get();
  make_transport();
  update_pool(false);
}

// --- Life ------------------------------------------------------------------------------------------------------

void Session::Impl::close_states() {
  closed_ = true;
  negotiation_.close();
  channels_.close();
  // W3C close(): the states change without an event, and none follows.
  events_.clear_but_close_sockets();
  ice_state_ = IceConnectionState::Closed;
  trace_state("connection:state_updated", to_string(connection_state_), to_string(PeerConnectionState::Closed));
  connection_state_ = PeerConnectionState::Closed;
  dtls_state_ = DtlsTransportState::Closed;
  if (sctp_state_) sctp_state_ = SctpTransportState::Closed;
}

void Session::Impl::close(TimePoint now) {
  advance(now);
  if (closed_) return;
  close_states();
  transport_->close(now_);
  settle();
}

void Session::Impl::abort(TimePoint now) {
  advance(now);
  if (!closed_) close_states();
  transport_->abort(now_);
  settle();
}

Result<> Session::Impl::check_open() const {
  if (closed_) return fail(ErrorName::InvalidStateError, "The connection is closed.");
  return {};
}

// --- Machine ---------------------------------------------------------------------------------------------------

void Session::Impl::handle_datagram(const Datagram& datagram) {
  advance(datagram.at);
  transport_->handle_datagram(datagram);
  settle();
}

Progress Session::Impl::poll_transmit(TimePoint now, DatagramBatch& batch) {
  advance(now);
  const Progress progress = transport_->poll_transmit(now_, batch);
  settle();
  return progress;
}

void Session::Impl::handle_timeout(TimePoint now) {
  advance(now);
  transport_->handle_timeout(now_);
  settle();
}

// What the last poll_transmit brought about is told at once, though its owner has drained the events before.
TimePoint Session::Impl::next_timeout() const noexcept { return events_.empty() ? transport_->next_timeout() : now_; }

std::optional<Session::Event> Session::Impl::poll_event() {
  while (auto event = events_.pop()) {
    if (std::holds_alternative<NegotiationNeeded>(*event) && !take_negotiation_needed()) continue;
    return event;
  }
  return std::nullopt;
}

/// Lets the session react to what the transport tells, until it has no more to tell.
void Session::Impl::settle() {
  transport_->update(now_);
  while (auto event = transport_->poll_event()) handle(*event);
}

void Session::Impl::tell(Event event) {
  if (!closed_) events_.push(std::move(event));
}

void Session::Impl::update_connection_state() {
  if (closed_) return;
  const PeerConnectionState state = session::aggregate_state(ice_state_, dtls_state_);
  if (state == connection_state_) return;
  trace_state("connection:state_updated", to_string(connection_state_), to_string(state));
  connection_state_ = state;
  tell(ConnectionStateChange{state});
}

void Session::Impl::trace_state(std::string_view name, std::string_view before, std::string_view after) {
  if (trace_) trace_->add(trace::StateUpdated{name, before, after});
}

void Session::Impl::set_dtls_state(DtlsTransportState state, std::optional<Error> error) {
  if (closed_ || state == dtls_state_) return;
  dtls_state_ = state;
  tell(DtlsStateChange{state, std::move(error)});
  update_connection_state();
}

void Session::Impl::set_sctp_state(SctpTransportState state) {
  if (closed_ || state == sctp_state_) return;
  sctp_state_ = state;
  tell(SctpStateChange{state});
}

// --- Data channels ---------------------------------------------------------------------------------------------

Result<ChannelId> Session::Impl::create_data_channel(TimePoint now, std::string_view label,
                                                     const DataChannelInit& init) {
  advance(now);
  if (auto open = check_open(); !open) return std::unexpected(std::move(open.error()));
  auto channel = channels_.create(now_, label, init);
  if (channel) {
    negotiation_.want_data();
    update_negotiation_needed();
  }
  settle();
  return channel;
}

Result<> Session::Impl::send(TimePoint now, ChannelId channel, bool binary, std::span<const std::byte> data) {
  advance(now);
  return channels_.send(now_, channel, binary, data);
}

std::optional<DataChannelMessage> Session::Impl::receive(ChannelId channel) { return channels_.receive(now_, channel); }

void Session::Impl::close_channel(TimePoint now, ChannelId channel) {
  advance(now);
  channels_.close_channel(now_, channel);
  settle();
}

}  // namespace linnet
