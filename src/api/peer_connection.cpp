#include "linnet/peer_connection.hpp"

#include <boost/asio/dispatch.hpp>
#include <chrono>
#include <utility>
#include <variant>

#include "api/channel.hpp"
#include "api/connection.hpp"
#include "crypto/system_generator.hpp"
#include "io/clock.hpp"

namespace linnet {
namespace {

using detail::Connection;

template <class... Args>
Event<Args...> event_of(const std::shared_ptr<Connection>& connection, detail::EventState<Args...>& state) {
  return Event<Args...>{std::shared_ptr<detail::EventState<Args...>>{connection, &state}};
}

// Runs `verb` on the connection's executor: at once when we are there.
template <class Verb>
void on_executor(const std::shared_ptr<Connection>& impl, Verb verb) {
  boost::asio::dispatch(impl->executor(), [impl, verb = std::move(verb)]() mutable {
    const auto entered = impl->enter();
    verb(*impl);
  });
}

/// From the machine's clock to Unix time, in milliseconds. Taken once, as the W3C's time origin is: timestamps never go
/// back when the system's clock is set.
double unix_time_offset() {
  static const double offset =
      std::chrono::duration<double, std::milli>(std::chrono::system_clock::now().time_since_epoch() -
                                                io::SteadyClock::now().time_since_epoch())
          .count();
  return offset;
}

}  // namespace

PeerConnection::PeerConnection(Executor executor, Configuration configuration, Tuning tuning) {
  impl_ = Connection::create(std::move(executor), std::move(configuration), tuning);
  Connection::Events& e = impl_->events();
  on_connection_state_change = event_of(impl_, e.connection_state_change);
  on_negotiation_needed = event_of(impl_, e.negotiation_needed);
  on_ice_candidate = event_of(impl_, e.ice_candidate);
  on_ice_candidate_error = event_of(impl_, e.ice_candidate_error);
  on_data_channel = event_of(impl_, e.data_channel);
  on_track = event_of(impl_, e.track);
  on_signaling_state_change = event_of(impl_, e.signaling_state_change);
  on_ice_connection_state_change = event_of(impl_, e.ice_connection_state_change);
  on_ice_gathering_state_change = event_of(impl_, e.ice_gathering_state_change);
  on_selected_candidate_pair_change = event_of(impl_, e.selected_candidate_pair_change);
  on_dtls_transport_state_change = event_of(impl_, e.dtls_transport_state_change);
  on_sctp_transport_state_change = event_of(impl_, e.sctp_transport_state_change);
}

PeerConnection::PeerConnection(PeerConnection&&) noexcept = default;

PeerConnection& PeerConnection::operator=(PeerConnection&& other) noexcept {
  if (this == &other) return *this;
  close();
  impl_ = std::move(other.impl_);
  on_connection_state_change = std::move(other.on_connection_state_change);
  on_negotiation_needed = std::move(other.on_negotiation_needed);
  on_ice_candidate = std::move(other.on_ice_candidate);
  on_ice_candidate_error = std::move(other.on_ice_candidate_error);
  on_data_channel = std::move(other.on_data_channel);
  on_track = std::move(other.on_track);
  on_signaling_state_change = std::move(other.on_signaling_state_change);
  on_ice_connection_state_change = std::move(other.on_ice_connection_state_change);
  on_ice_gathering_state_change = std::move(other.on_ice_gathering_state_change);
  on_selected_candidate_pair_change = std::move(other.on_selected_candidate_pair_change);
  on_dtls_transport_state_change = std::move(other.on_dtls_transport_state_change);
  on_sctp_transport_state_change = std::move(other.on_sctp_transport_state_change);
  return *this;
}

PeerConnection::~PeerConnection() { close(); }

Executor PeerConnection::get_executor() const { return impl_->executor(); }

void PeerConnection::restart_ice() {
  const auto entered = impl_->enter();
  impl_->session().restart_ice(io::SteadyClock::now());
  impl_->wake();
}

Configuration PeerConnection::get_configuration() const {
  const auto entered = impl_->enter();
  return impl_->session().get_configuration();
}

void PeerConnection::set_configuration(Configuration configuration) {
  const auto entered = impl_->enter();
  auto set = impl_->session().set_configuration(io::SteadyClock::now(), std::move(configuration));
  if (!set) throw Exception{std::move(set).error()};
  impl_->wake();
}

Certificate PeerConnection::generate_certificate() {
  crypto::SystemGenerator generator;
  auto made = Certificate::generate(generator, std::chrono::system_clock::now());
  if (!made) throw Exception{std::move(made).error()};
  return *std::move(made);
}

DataChannel PeerConnection::create_data_channel(std::string_view label, const DataChannelInit& init) {
  return DataChannel{impl_->create_data_channel(label, init)};
}

void PeerConnection::close() {
  if (impl_) impl_->close();
}

SignalingState PeerConnection::signaling_state() const {
  const auto entered = impl_->enter();
  return impl_->session().signaling_state();
}
IceGatheringState PeerConnection::ice_gathering_state() const {
  const auto entered = impl_->enter();
  return impl_->session().ice_gathering_state();
}
IceConnectionState PeerConnection::ice_connection_state() const {
  const auto entered = impl_->enter();
  return impl_->session().ice_connection_state();
}
PeerConnectionState PeerConnection::connection_state() const {
  const auto entered = impl_->enter();
  return impl_->session().connection_state();
}
std::optional<bool> PeerConnection::can_trickle_ice_candidates() const {
  const auto entered = impl_->enter();
  return impl_->session().can_trickle_ice_candidates();
}
std::optional<SessionDescription> PeerConnection::local_description() const {
  const auto entered = impl_->enter();
  return impl_->session().local_description();
}
std::optional<SessionDescription> PeerConnection::current_local_description() const {
  const auto entered = impl_->enter();
  return impl_->session().current_local_description();
}
std::optional<SessionDescription> PeerConnection::pending_local_description() const {
  const auto entered = impl_->enter();
  return impl_->session().pending_local_description();
}
std::optional<SessionDescription> PeerConnection::remote_description() const {
  const auto entered = impl_->enter();
  return impl_->session().remote_description();
}
std::optional<SessionDescription> PeerConnection::current_remote_description() const {
  const auto entered = impl_->enter();
  return impl_->session().current_remote_description();
}
std::optional<SessionDescription> PeerConnection::pending_remote_description() const {
  const auto entered = impl_->enter();
  return impl_->session().pending_remote_description();
}
std::optional<Error> PeerConnection::failure() const {
  const auto entered = impl_->enter();
  return impl_->failure();
}
std::optional<Path> PeerConnection::selected_path() const {
  const auto entered = impl_->enter();
  return impl_->session().selected_path();
}

std::optional<Error> PeerConnection::trace_failure() const {
  const auto entered = impl_->enter();
  return impl_->trace_failure();
}

std::optional<SctpTransport> PeerConnection::sctp() const {
  const auto entered = impl_->enter();
  const Session& s = impl_->session();
  const auto state = s.sctp_transport_state();
  if (!state) return std::nullopt;
  return SctpTransport{
      .state = *state,
      .max_message_size = s.max_message_size(),
      .max_channels = s.max_channels(),
      .transport = {.state = s.dtls_transport_state(), .remote_certificates = s.remote_certificates()}};
}

Executor PeerConnection::executor_of(const Impl& impl) { return impl->executor(); }

void PeerConnection::start_create_offer(const Impl& impl, OfferOptions options,
                                        detail::Completion<SessionDescription> done) {
  on_executor(impl, [options, done = std::move(done)](Connection& c) mutable {
    c.finish(c.session().create_offer(options), std::move(done));
  });
}

void PeerConnection::start_create_answer(const Impl& impl, detail::Completion<SessionDescription> done) {
  on_executor(impl, [done = std::move(done)](Connection& c) mutable {
    c.finish(c.session().create_answer(), std::move(done));
  });
}

void PeerConnection::start_set_local_description(const Impl& impl, std::optional<SessionDescription> description,
                                                 detail::Completion<> done) {
  on_executor(impl, [description = std::move(description), done = std::move(done)](Connection& c) mutable {
    c.finish(c.session().set_local_description(io::SteadyClock::now(), std::move(description)), std::move(done));
  });
}

void PeerConnection::start_set_remote_description(const Impl& impl, SessionDescription description,
                                                  detail::Completion<> done) {
  on_executor(impl, [description = std::move(description), done = std::move(done)](Connection& c) mutable {
    c.finish(c.session().set_remote_description(io::SteadyClock::now(), description), std::move(done));
  });
}

void PeerConnection::start_add_ice_candidate(const Impl& impl, std::optional<IceCandidateInit> candidate,
                                             detail::Completion<> done) {
  on_executor(impl, [candidate = std::move(candidate), done = std::move(done)](Connection& c) mutable {
    c.finish(c.session().add_ice_candidate(io::SteadyClock::now(), candidate), std::move(done));
  });
}

void PeerConnection::start_get_stats(const Impl& impl, detail::Completion<StatsReport> done) {
  on_executor(impl, [done = std::move(done)](Connection& c) mutable {
    StatsReport report = c.get_stats();
    for (auto& [id, entry] : report) {
      std::visit([](Stats& s) { s.timestamp += unix_time_offset(); }, entry);
      auto* const pair = std::get_if<CandidatePairStats>(&entry);
      if (!pair) continue;
      for (auto* at : {&pair->last_packet_sent_timestamp, &pair->last_packet_received_timestamp})
        if (*at) **at += unix_time_offset();
    }
    c.finish(Result<StatsReport>{std::move(report)}, std::move(done));
  });
}

}  // namespace linnet
