#pragma once

#include <boost/asio/execution_context.hpp>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "linnet/certificate.hpp"
#include "linnet/configuration.hpp"
#include "linnet/core/session.hpp"
#include "linnet/data_channel.hpp"
#include "linnet/event.hpp"
#include "linnet/exception.hpp"
#include "linnet/ice_candidate.hpp"
#include "linnet/session_description.hpp"
#include "linnet/states.hpp"
#include "linnet/stats.hpp"
#include "linnet/tuning.hpp"

namespace linnet {

namespace detail {
class Connection;
}

/// W3C RTCPeerConnectionIceEvent. Without a candidate: gathering is complete, the peer needs to know nothing more.
struct IceCandidateEvent {
  std::optional<IceCandidate> candidate;
};

/// W3C RTCPeerConnectionIceErrorEvent.
struct IceCandidateErrorEvent {
  std::optional<std::string> address;
  std::optional<std::uint16_t> port;
  std::string url;
  std::uint16_t error_code = 701;
  std::string error_text;
};

/// W3C RTCDataChannelEvent.
struct DataChannelEvent {
  DataChannel channel;
};

/// W3C RTCTrackEvent. Fires once media has arrived in linnet: until then audio and video sections of a remote offer
/// are answered as rejected, so there is no track to tell of.
struct TrackEvent {
  std::string mid;                   ///< W3C transceiver.mid.
  std::string kind;                  ///< W3C track.kind: "audio" or "video".
  std::vector<std::string> streams;  ///< W3C streams, by their ids.
};

/// W3C RTCDtlsTransport, as it was when asked for.
struct DtlsTransport {
  DtlsTransportState state = DtlsTransportState::New;       ///< W3C state.
  std::vector<std::vector<std::byte>> remote_certificates;  ///< W3C getRemoteCertificates(): DER.
};

/// W3C RTCSctpTransport, as it was when asked for.
struct SctpTransport {
  SctpTransportState state = SctpTransportState::Connecting;  ///< W3C state.
  std::size_t max_message_size = 0;                           ///< W3C maxMessageSize, bytes; 0: without limit.
  std::optional<std::uint16_t> max_channels;                  ///< W3C maxChannels: empty until connected.
  DtlsTransport transport;                                    ///< W3C transport.
};

/// W3C RTCPeerConnection.
///
/// Names are the W3C's in snake_case. Methods that return a promise there take any Asio completion token here, and by
/// default give an awaitable; errors are `linnet::Exception`. The connection lives on its executor: an io_context's
/// that one thread runs, or a strand.
///
///     linnet::PeerConnection pc{co_await boost::asio::this_coro::executor};
///     pc.on_ice_candidate = [&](const linnet::IceCandidateEvent& e) { signaling.send(e.candidate); };
///     auto chat = pc.create_data_channel("chat");
///     co_await pc.set_local_description();
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe, except functions that take a completion token, which
/// dispatch to the connection's executor. Handlers run only there, never inside one of your calls, never under a lock,
/// never after close() returned. A handler may destroy the connection. (Setting up from the thread that is about to
/// run the executor is fine. Debug builds assert that two threads are never inside one connection at once.)
class PeerConnection {
 public:
  using executor_type = Executor;

  /// W3C constructor. Throws Exception: SyntaxError for an ICE server URL that cannot be read, InvalidAccessError for a
  /// TURN server without credentials or an expired certificate, NotSupportedError for what linnet cannot do.
  explicit PeerConnection(Executor executor, Configuration configuration = {}, Tuning tuning = {});
  template <class Context>
    requires std::derived_from<Context, boost::asio::execution_context>
  explicit PeerConnection(Context& context, Configuration configuration = {}, Tuning tuning = {})
      : PeerConnection(Executor{context.get_executor()}, std::move(configuration), std::move(tuning)) {}
  PeerConnection(PeerConnection&&) noexcept;
  PeerConnection& operator=(PeerConnection&&) noexcept;  ///< Closes the connection that was here.
  ~PeerConnection();                                     ///< Closes, as close().

  [[nodiscard]] Executor get_executor() const;

  // --- Offer and answer ----------------------------------------------------------------------------------------

  /// W3C createOffer(). Signature: `void(std::exception_ptr, SessionDescription)`.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto create_offer(OfferOptions options, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(std::exception_ptr, SessionDescription)>(
        [](auto handler, const Impl& impl, OfferOptions o) {
          start_create_offer(impl, o, completion<SessionDescription>(std::move(handler), impl));
        },
        token, impl_, options);
  }
  template <class Token = boost::asio::use_awaitable_t<>>
    requires(!std::convertible_to<Token, OfferOptions>)
  auto create_offer(Token&& token = {}) {
    return create_offer(OfferOptions{}, std::forward<Token>(token));
  }

  /// W3C createAnswer(). Signature: `void(std::exception_ptr, SessionDescription)`.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto create_answer(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(std::exception_ptr, SessionDescription)>(
        [](auto handler, const Impl& impl) {
          start_create_answer(impl, completion<SessionDescription>(std::move(handler), impl));
        },
        token, impl_);
  }

  /// W3C setLocalDescription(description). An empty `sdp` stands for the last one created.
  /// Signature: `void(std::exception_ptr)`.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto set_local_description(SessionDescription description, Token&& token = {}) {
    return apply_local(std::optional{std::move(description)}, std::forward<Token>(token));
  }
  /// W3C setLocalDescription(): makes and applies the offer or answer that the signaling state calls for (the form of
  /// perfect negotiation); read it from local_description() afterwards. Signature: `void(std::exception_ptr)`.
  template <class Token = boost::asio::use_awaitable_t<>>
    requires(!std::convertible_to<Token, SessionDescription>)
  auto set_local_description(Token&& token = {}) {
    return apply_local(std::nullopt, std::forward<Token>(token));
  }

  /// W3C setRemoteDescription(). An offer that arrives while we have a local offer rolls that back.
  /// Signature: `void(std::exception_ptr)`.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto set_remote_description(SessionDescription description, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(std::exception_ptr)>(
        [](auto handler, const Impl& impl, SessionDescription d) {
          start_set_remote_description(impl, std::move(d), completion<>(std::move(handler), impl));
        },
        token, impl_, std::move(description));
  }

  /// W3C addIceCandidate(). An empty candidate line, and nothing at all, is the end of candidates.
  /// Signature: `void(std::exception_ptr)`.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto add_ice_candidate(IceCandidateInit candidate, Token&& token = {}) {
    return apply_candidate(std::optional{std::move(candidate)}, std::forward<Token>(token));
  }
  template <class Token = boost::asio::use_awaitable_t<>>
  auto add_ice_candidate(std::optional<IceCandidateInit> candidate, Token&& token = {}) {
    return apply_candidate(std::move(candidate), std::forward<Token>(token));
  }

  void restart_ice();  ///< W3C restartIce(): the next offer restarts ICE; on_negotiation_needed follows.

  // --- Configuration -------------------------------------------------------------------------------------------

  [[nodiscard]] Configuration get_configuration() const;  ///< W3C getConfiguration().
  /// W3C setConfiguration(). Throws as the constructor, and InvalidModificationError for what cannot change.
  void set_configuration(Configuration configuration);
  /// W3C RTCPeerConnection.generateCertificate(): an ECDSA P-256 certificate, to keep one identity over connections.
  [[nodiscard]] static Certificate generate_certificate();

  // --- Data ----------------------------------------------------------------------------------------------------

  /// W3C createDataChannel(). Throws Exception: InvalidStateError when closed, TypeError and OperationError as
  /// Session::create_data_channel says.
  DataChannel create_data_channel(std::string_view label, const DataChannelInit& init = {});

  /// W3C getStats(). Signature: `void(std::exception_ptr, StatsReport)`.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto get_stats(Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(std::exception_ptr, StatsReport)>(
        [](auto handler, const Impl& impl) {
          start_get_stats(impl, completion<StatsReport>(std::move(handler), impl));
        },
        token, impl_);
  }

  /// W3C close(): all states are closed when it returns and no handler runs any more; operations under way end with
  /// InvalidStateError. What was sent before is still
  /// delivered in the background (at most Tuning::close_timeout) while the executor runs. Twice is harmless.
  void close();

  // --- State ---------------------------------------------------------------------------------------------------

  [[nodiscard]] SignalingState signaling_state() const;                               ///< W3C signalingState.
  [[nodiscard]] IceGatheringState ice_gathering_state() const;                        ///< W3C iceGatheringState.
  [[nodiscard]] IceConnectionState ice_connection_state() const;                      ///< W3C iceConnectionState.
  [[nodiscard]] PeerConnectionState connection_state() const;                         ///< W3C connectionState.
  [[nodiscard]] std::optional<bool> can_trickle_ice_candidates() const;               ///< W3C canTrickleIceCandidates.
  [[nodiscard]] std::optional<SctpTransport> sctp() const;                            ///< W3C sctp.
  [[nodiscard]] std::optional<SessionDescription> local_description() const;          ///< W3C localDescription.
  [[nodiscard]] std::optional<SessionDescription> current_local_description() const;  ///< W3C currentLocalDescription.
  [[nodiscard]] std::optional<SessionDescription> pending_local_description() const;  ///< W3C pendingLocalDescription.
  [[nodiscard]] std::optional<SessionDescription> remote_description() const;         ///< W3C remoteDescription.
  [[nodiscard]] std::optional<SessionDescription> current_remote_description()
      const;  ///< W3C currentRemoteDescription.
  [[nodiscard]] std::optional<SessionDescription> pending_remote_description()
      const;  ///< W3C pendingRemoteDescription.

  /// Extension: why connection_state() is Failed, when DTLS or SCTP knows (W3C: the error event of RTCDtlsTransport).
  [[nodiscard]] std::optional<Error> failure() const;
  /// Extension: the path that carries data now (W3C: RTCIceTransport.getSelectedCandidatePair()).
  [[nodiscard]] std::optional<Path> selected_path() const;
  /// Extension: why Tuning::trace or Tuning::key_log lacks something, as the path and the reason (the disk is full).
  /// Nothing is written to that file after it; the connection goes on.
  [[nodiscard]] std::optional<Error> trace_failure() const;

  // --- Events --------------------------------------------------------------------------------------------------

  Event<PeerConnectionState> on_connection_state_change;     ///< W3C connectionstatechange.
  Event<> on_negotiation_needed;                             ///< W3C negotiationneeded.
  Event<IceCandidateEvent> on_ice_candidate;                 ///< W3C icecandidate.
  Event<IceCandidateErrorEvent> on_ice_candidate_error;      ///< W3C icecandidateerror.
  Event<DataChannelEvent> on_data_channel;                   ///< W3C datachannel.
  Event<TrackEvent> on_track;                                ///< W3C track.
  Event<SignalingState> on_signaling_state_change;           ///< W3C signalingstatechange.
  Event<IceConnectionState> on_ice_connection_state_change;  ///< W3C iceconnectionstatechange.
  Event<IceGatheringState> on_ice_gathering_state_change;    ///< W3C icegatheringstatechange.
  /// W3C selectedcandidatepairchange of RTCIceTransport: selected_path() is another one, or the peer has told what is
  /// at its end, which until then was known from its checks alone.
  Event<Path> on_selected_candidate_pair_change;
  /// W3C statechange of RTCDtlsTransport and of RTCSctpTransport. Closed tells that the peer has closed the connection
  /// (W3C connectionState stays `connected` until consent is lost).
  Event<DtlsTransportState> on_dtls_transport_state_change;
  Event<SctpTransportState> on_sctp_transport_state_change;

 private:
  using Impl = std::shared_ptr<detail::Connection>;

  template <class... Results, class Handler>
  static detail::Completion<Results...> completion(Handler handler, const Impl& impl) {
    return detail::make_completion<Results...>(std::move(handler), executor_of(impl));
  }
  template <class Token>
  auto apply_local(std::optional<SessionDescription> description, Token&& token) {
    return boost::asio::async_initiate<Token, void(std::exception_ptr)>(
        [](auto handler, const Impl& impl, std::optional<SessionDescription> d) {
          start_set_local_description(impl, std::move(d), completion<>(std::move(handler), impl));
        },
        token, impl_, std::move(description));
  }
  template <class Token>
  auto apply_candidate(std::optional<IceCandidateInit> candidate, Token&& token) {
    return boost::asio::async_initiate<Token, void(std::exception_ptr)>(
        [](auto handler, const Impl& impl, std::optional<IceCandidateInit> c) {
          start_add_ice_candidate(impl, std::move(c), completion<>(std::move(handler), impl));
        },
        token, impl_, std::move(candidate));
  }

  static Executor executor_of(const Impl& impl);
  static void start_create_offer(const Impl& impl, OfferOptions options, detail::Completion<SessionDescription> done);
  static void start_create_answer(const Impl& impl, detail::Completion<SessionDescription> done);
  static void start_set_local_description(const Impl& impl, std::optional<SessionDescription> description,
                                          detail::Completion<> done);
  static void start_set_remote_description(const Impl& impl, SessionDescription description, detail::Completion<> done);
  static void start_add_ice_candidate(const Impl& impl, std::optional<IceCandidateInit> candidate,
                                      detail::Completion<> done);
  static void start_get_stats(const Impl& impl, detail::Completion<StatsReport> done);

  Impl impl_;
};

}  // namespace linnet
