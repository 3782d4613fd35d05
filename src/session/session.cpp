#include "linnet/core/session.hpp"

#include <utility>

#include "base/bytes.hpp"
#include "base/machine.hpp"
#include "session/impl.hpp"
#include "session/setup.hpp"

namespace linnet {

static_assert(PathMachine<Session>);

namespace {

const std::string no_text;

}  // namespace

Result<std::unique_ptr<Session>> Session::create(Configuration configuration, Tuning tuning, Environment environment) {
  if (auto checked = session::check(tuning); !checked) return std::unexpected(std::move(checked.error()));
  auto servers = session::ice_servers(configuration);
  if (!servers) return std::unexpected(std::move(servers.error()));
  const crypto::LibraryContext context =
      environment.simulation ? crypto::LibraryContext::seeded(environment.generator) : crypto::LibraryContext::system();
  auto certificate = session::certificate_for(configuration, context, environment);
  if (!certificate) return std::unexpected(std::move(certificate.error()));
  auto options =
      session::transport_options(configuration, tuning, std::move(*servers), std::move(*certificate), context);
  return std::unique_ptr<Session>(
      new Session(std::make_unique<Impl>(std::move(configuration), tuning, environment, std::move(options))));
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

void Session::close(TimePoint now) { impl_->close(now); }
void Session::abort(TimePoint now) { impl_->abort(now); }

void Session::handle_datagram(const Datagram& datagram) { impl_->handle_datagram(datagram); }
Progress Session::poll_transmit(TimePoint now, DatagramBatch& batch) { return impl_->poll_transmit(now, batch); }
void Session::handle_timeout(TimePoint now) { impl_->handle_timeout(now); }
TimePoint Session::next_timeout() const noexcept { return impl_->next_timeout(); }
std::optional<Session::Event> Session::poll_event() { return impl_->poll_event(); }
std::optional<trace::Record> Session::poll_trace() { return impl_->poll_trace(); }
std::optional<std::string> Session::poll_key_log() { return impl_->poll_key_log(); }

void Session::add_socket(TimePoint now, const LocalSocket& socket) { impl_->add_socket(now, socket); }
void Session::sockets_done(TimePoint now) { impl_->sockets_done(now); }
void Session::remove_socket(TimePoint now, const Endpoint& local, Protocol protocol) {
  impl_->remove_socket(now, local, protocol);
}
void Session::resolved(TimePoint now, ResolveId id, std::span<const IpAddress> addresses) {
  impl_->resolved(now, id, addresses);
}
void Session::connected(TimePoint now, const Path& path) { impl_->connected(now, path); }
void Session::disconnected(TimePoint now, const Path& path, std::string_view why) {
  impl_->disconnected(now, path, why);
}

Result<SessionDescription> Session::create_offer(const OfferOptions& options) { return impl_->create_offer(options); }
Result<SessionDescription> Session::create_answer() { return impl_->create_answer(); }
Result<> Session::set_local_description(TimePoint now, std::optional<SessionDescription> description) {
  return impl_->set_local_description(now, std::move(description));
}
Result<> Session::set_remote_description(TimePoint now, const SessionDescription& description) {
  return impl_->set_remote_description(now, description);
}
Result<> Session::add_ice_candidate(TimePoint now, const std::optional<IceCandidateInit>& candidate) {
  return impl_->add_ice_candidate(now, candidate);
}
void Session::restart_ice(TimePoint now) { impl_->restart_ice(now); }
const Configuration& Session::get_configuration() const noexcept { return impl_->configuration(); }
Result<> Session::set_configuration(TimePoint now, Configuration configuration) {
  return impl_->set_configuration(now, std::move(configuration));
}

SignalingState Session::signaling_state() const noexcept { return impl_->signaling_state(); }
IceGatheringState Session::ice_gathering_state() const noexcept { return impl_->gathering_state(); }
IceConnectionState Session::ice_connection_state() const noexcept { return impl_->ice_state(); }
PeerConnectionState Session::connection_state() const noexcept { return impl_->connection_state(); }
DtlsTransportState Session::dtls_transport_state() const noexcept { return impl_->dtls_state(); }
std::optional<SctpTransportState> Session::sctp_transport_state() const noexcept { return impl_->sctp_state(); }
std::optional<bool> Session::can_trickle_ice_candidates() const { return impl_->negotiation().can_trickle(); }
std::optional<SessionDescription> Session::local_description() const {
  return impl_->negotiation().local_description();
}
std::optional<SessionDescription> Session::remote_description() const {
  return impl_->negotiation().remote_description();
}
std::optional<SessionDescription> Session::current_local_description() const {
  return impl_->negotiation().current_local_description();
}
std::optional<SessionDescription> Session::pending_local_description() const {
  return impl_->negotiation().pending_local_description();
}
std::optional<SessionDescription> Session::current_remote_description() const {
  return impl_->negotiation().current_remote_description();
}
std::optional<SessionDescription> Session::pending_remote_description() const {
  return impl_->negotiation().pending_remote_description();
}

std::vector<std::string> Session::local_username_fragments() const { return impl_->local_username_fragments(); }
std::optional<Path> Session::selected_path() const { return impl_->transport().ice().selected(); }
std::vector<std::vector<std::byte>> Session::remote_certificates() const {
  const auto der = impl_->transport().dtls().remote_certificate();
  if (der.empty()) return {};
  return {{der.begin(), der.end()}};
}
std::size_t Session::max_message_size() const noexcept { return impl_->channels().max_message_size(); }
std::optional<std::uint16_t> Session::max_channels() const noexcept {
  const sctp::Association* sctp = impl_->transport().sctp();
  if (!sctp || sctp->outgoing_streams() == 0) return std::nullopt;
  return std::min(sctp->outgoing_streams(), sctp->incoming_streams());
}

Result<ChannelId> Session::create_data_channel(TimePoint now, std::string_view label, const DataChannelInit& init) {
  return impl_->create_data_channel(now, label, init);
}
Result<> Session::send(TimePoint now, ChannelId channel, std::string_view text) {
  return impl_->send(now, channel, false, as_bytes(text));
}
Result<> Session::send(TimePoint now, ChannelId channel, std::span<const std::byte> data) {
  return impl_->send(now, channel, true, data);
}
std::optional<DataChannelMessage> Session::receive(ChannelId channel) { return impl_->receive(channel); }
void Session::close_channel(TimePoint now, ChannelId channel) { impl_->close_channel(now, channel); }
void Session::release_channel(ChannelId channel) { impl_->channels().release(channel); }

std::size_t Session::buffered_amount(ChannelId channel) const noexcept {
  return impl_->channels().buffered_amount(channel);
}
std::size_t Session::buffered_amount_low_threshold(ChannelId channel) const noexcept {
  const auto* c = std::as_const(*impl_).channels().find(channel);
  return c ? c->low_threshold : 0;
}
void Session::set_buffered_amount_low_threshold(ChannelId channel, std::size_t bytes) {
  impl_->channels().set_low_threshold(channel, bytes);
}
std::size_t Session::send_room() const noexcept { return impl_->channels().send_room(); }
bool Session::send_held_up(ChannelId channel) const noexcept { return impl_->channels().send_held_up(channel); }
bool Session::send_queue_empty() const noexcept { return impl_->channels().send_queue_empty(); }

const std::string& Session::label(ChannelId channel) const noexcept {
  const auto* c = std::as_const(*impl_).channels().find(channel);
  return c ? c->parameters.label : no_text;
}
const std::string& Session::protocol(ChannelId channel) const noexcept {
  const auto* c = std::as_const(*impl_).channels().find(channel);
  return c ? c->parameters.protocol : no_text;
}
bool Session::ordered(ChannelId channel) const noexcept {
  const auto* c = std::as_const(*impl_).channels().find(channel);
  return c && c->parameters.ordered;
}
std::optional<std::uint16_t> Session::max_packet_life_time(ChannelId channel) const noexcept {
  const auto* c = std::as_const(*impl_).channels().find(channel);
  return c ? c->parameters.max_packet_life_time : std::nullopt;
}
std::optional<std::uint16_t> Session::max_retransmits(ChannelId channel) const noexcept {
  const auto* c = std::as_const(*impl_).channels().find(channel);
  return c ? c->parameters.max_retransmits : std::nullopt;
}
bool Session::negotiated(ChannelId channel) const noexcept {
  const auto* c = std::as_const(*impl_).channels().find(channel);
  return c && c->parameters.negotiated;
}
std::optional<std::uint16_t> Session::id(ChannelId channel) const noexcept {
  const auto* c = std::as_const(*impl_).channels().find(channel);
  return c && c->stream ? std::optional{c->stream->value()} : std::nullopt;
}
Priority Session::priority(ChannelId channel) const noexcept {
  const auto* c = std::as_const(*impl_).channels().find(channel);
  return c ? c->parameters.priority : Priority::Low;
}
DataChannelState Session::ready_state(ChannelId channel) const noexcept {
  const auto* c = std::as_const(*impl_).channels().find(channel);
  return c ? c->state : DataChannelState::Closed;
}

void Session::note_discarded(const Path& path, std::uint64_t packets, std::uint64_t bytes) {
  impl_->note_discarded(path, packets, bytes);
}

StatsReport Session::get_stats(TimePoint now) const { return impl_->get_stats(now); }

}  // namespace linnet
