// Between the session and its transport: answers of the owner go down, events come up.
#include <string>
#include <utility>

#include "session/impl.hpp"

namespace linnet {
namespace {

// The upper bits of a ResolveId say which transport asked.
constexpr unsigned epoch_shift = 48;

}  // namespace

void Session::Impl::make_transport() {
  ++epoch_;
  // Numbers of streams are unique in the session; an agent opens a few dozen.
  transport_options_.ice.first_stream = static_cast<std::uint16_t>(1 + epoch_ % 127 * 512);
  transport_ = std::make_unique<transport::Transport>(transport_options_, generator_);
}

/// The data m-line was rejected: W3C closes its transports and channels.
void Session::Impl::drop_transport() {
  channels_.transport_closed(Error{.name = ErrorName::OperationError,
                                   .message = "The peer rejected the data channels.",
                                   .detail = ErrorDetail::DataChannelFailure});
  channels_.detach();
  close_sockets();
  make_transport();
  pooling_ = false;
  pooled_errors_.clear();
  data_mid_.reset();
  data_m_line_index_.reset();
  ice_state_ = IceConnectionState::New;
  gathering_state_ = IceGatheringState::New;
  dtls_state_ = DtlsTransportState::New;
  sctp_state_.reset();
  tell(IceConnectionStateChange{ice_state_});
  tell(IceGatheringStateChange{gathering_state_});
  update_connection_state();
}

void Session::Impl::close_sockets() {
  for (const auto& [protocol, local] : std::exchange(sockets_, {})) events_.push(CloseSocket{local, protocol});
  for (const Path& path : std::exchange(streams_, {})) events_.push(Disconnect{path});
}

// --- Answers of the owner --------------------------------------------------------------------------------------

void Session::Impl::add_socket(TimePoint now, const LocalSocket& socket) {
  advance(now);
  sockets_.insert({socket.protocol, socket.local});
  transport_->ice().add_socket(now_, {.local = socket.local,
                                      .protocol = socket.protocol,
                                      .network_id = socket.network_id,
                                      .cost = socket.network_cost,
                                      .name = socket.name});
  settle();
}

void Session::Impl::sockets_done(TimePoint now) {
  advance(now);
  transport_->ice().sockets_done(now_);
  settle();
}

void Session::Impl::remove_socket(TimePoint now, const Endpoint& local, Protocol protocol) {
  advance(now);
  sockets_.erase({protocol, local});
  transport_->ice().remove_socket(now_, local, protocol);
  settle();
}

void Session::Impl::resolved(TimePoint now, ResolveId id, std::span<const IpAddress> addresses) {
  advance(now);
  const std::uint64_t value = std::to_underlying(id);
  if (value >> epoch_shift != epoch_) return;  // The transport that asked is gone.
  transport_->ice().resolved(now_, ice::ResolveId{value & ((std::uint64_t{1} << epoch_shift) - 1)}, addresses);
  settle();
}

void Session::Impl::connected(TimePoint now, const Path& path) {
  advance(now);
  if (!streams_.contains(path)) {
    // Given up meanwhile; or it came in.
    if (path.protocol != Protocol::Tcp || !sockets_.contains({Protocol::Tcp, path.local})) return;
    streams_.insert(path);
  }
  transport_->ice().connected(now_, path);
  settle();
}

void Session::Impl::disconnected(TimePoint now, const Path& path, std::string_view why) {
  advance(now);
  if (streams_.erase(path) == 0) return;
  transport_->ice().disconnected(now_, path, why);
  settle();
}

// --- Events of the transport -----------------------------------------------------------------------------------

void Session::Impl::handle(transport::Transport::Event& event) {
  std::visit(
      [&](auto& e) {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, ice::Event>) {
          handle_ice(e);
        } else if constexpr (std::is_same_v<E, dtls::Connection::Event>) {
          handle_dtls(e);
        } else if constexpr (std::is_same_v<E, sctp::Event>) {
          handle_sctp(e);
        } else {
          static_assert(std::is_same_v<E, transport::Transport::Finished>);
          if (std::exchange(terminated_, true)) return;
          close_sockets();
          events_.push(Terminated{});
        }
      },
      event);
}

void Session::Impl::handle_ice(ice::Event& event) {
  std::visit(
      [&](auto& e) {
        using E = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<E, ice::NeedSockets>) {
          tell(NeedSockets{});
        } else if constexpr (std::is_same_v<E, ice::Resolve>) {
          tell(Resolve{
              .id = ResolveId{e.id.value() | epoch_ << epoch_shift}, .host = std::move(e.host), .mdns = e.mdns});
        } else if constexpr (std::is_same_v<E, ice::CloseSocket>) {
          if (sockets_.erase({e.protocol, e.local}) != 0) events_.push(CloseSocket{e.local, e.protocol});
        } else if constexpr (std::is_same_v<E, ice::Connect>) {
          if (closed_) return;
          streams_.insert(e.path);
          events_.push(Connect{.path = e.path, .server_name = std::move(e.server_name), .framing = e.framing});
        } else if constexpr (std::is_same_v<E, ice::Disconnect>) {
          if (streams_.erase(e.path) != 0) events_.push(Disconnect{e.path});
        } else if constexpr (std::is_same_v<E, ice::LocalCandidate>) {
          local_candidate(e.candidate);
        } else if constexpr (std::is_same_v<E, ice::CandidateError>) {
          IceCandidateError error{
              .url = std::move(e.url), .error_code = e.error_code, .error_text = std::move(e.error_text)};
          if (!e.address.empty()) {
            error.address = std::move(e.address);
            error.port = e.port;
          }
          constexpr std::size_t most = 64;
          if (!pooling_)
            tell(std::move(error));
          else if (pooled_errors_.size() < most)
            pooled_errors_.push_back(std::move(error));
        } else if constexpr (std::is_same_v<E, ice::GatheringStateChanged>) {
          gathering_changed(e.state);
        } else if constexpr (std::is_same_v<E, ice::StateChanged>) {
          if (closed_ || e.state == ice_state_) return;
          ice_state_ = e.state;
          tell(IceConnectionStateChange{e.state});
          update_connection_state();
        } else if constexpr (std::is_same_v<E, ice::SelectedPairChanged>) {
          tell(SelectedPairChange{e.path});
        }
      },
      event);
}

void Session::Impl::local_candidate(const ice::Candidate& candidate) {
  const std::string ufrag = candidate.ufrag.value_or(transport_->ice().local_credentials().ufrag);
  const auto init = negotiation_.add_local_candidate(ice::to_string(candidate), ufrag);
  if (!init) return;
  IceCandidate shown = ice::to_w3c(candidate, init->sdp_mid, init->sdp_m_line_index);
  static_cast<IceCandidateInit&>(shown) = *init;
  tell(IceCandidateFound{std::move(shown)});
}

/// W3C section 5.6.1: the end of a generation is told as an empty candidate, the end of all gathering as none.
void Session::Impl::gathering_changed(IceGatheringState state) {
  if (closed_ || pooling_ || state == gathering_state_) return;
  gathering_state_ = state;
  const bool complete = state == IceGatheringState::Complete;
  if (complete) {
    if (auto end = negotiation_.end_local_candidates(transport_->ice().local_credentials().ufrag)) {
      IceCandidate shown;
      static_cast<IceCandidateInit&>(shown) = std::move(*end);
      tell(IceCandidateFound{std::move(shown)});
    }
  }
  tell(IceGatheringStateChange{state});
  if (complete) tell(IceCandidateFound{std::nullopt});
}

void Session::Impl::handle_dtls(dtls::Connection::Event& event) {
  if (std::holds_alternative<dtls::Connection::Connected>(event)) {
    set_dtls_state(DtlsTransportState::Connected);
    return;
  }
  // RFC 8831 section 6.2 and W3C 6.2.5: without DTLS there is no SCTP and no channel.
  if (auto* failed = std::get_if<dtls::Connection::Failed>(&event)) {
    set_dtls_state(DtlsTransportState::Failed, failed->error);
    set_sctp_state(SctpTransportState::Closed);
    channels_.transport_closed(failed->error);
    return;
  }
  set_dtls_state(DtlsTransportState::Closed);
  set_sctp_state(SctpTransportState::Closed);
  channels_.transport_closed(std::nullopt);
}

void Session::Impl::handle_sctp(sctp::Event& event) {
  if (std::holds_alternative<sctp::Connected>(event)) set_sctp_state(SctpTransportState::Connected);
  const bool over = std::holds_alternative<sctp::Closed>(event) || std::holds_alternative<sctp::Failed>(event);
  if (over) set_sctp_state(SctpTransportState::Closed);
  channels_.handle(now_, event);
}

}  // namespace linnet
