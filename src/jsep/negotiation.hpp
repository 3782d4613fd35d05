#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jsep/changes.hpp"
#include "jsep/options.hpp"
#include "linnet/core/error.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/ice_candidate.hpp"
#include "linnet/session_description.hpp"
#include "linnet/states.hpp"

namespace linnet::jsep {

/// The offer/answer half of an RTCPeerConnection: signaling state, the four descriptions, what they mean for
/// the transport. RFC 8829 and W3C section 4.4.1. Synchronous and plain memory: owned and called by the
/// session, which runs its verbs one at a time (the W3C operations chain) and does what `Changes` tells.
/// Knows no transport, no time, no candidates' meaning. A verb that fails leaves everything as it was.
class Negotiation {
 public:
  Negotiation(Options options, Generator& generator);

  // W3C createOffer, createAnswer. Errors: InvalidStateError.
  Result<SessionDescription> create_offer(const OfferOptions& options = {});
  Result<SessionDescription> create_answer();

  /// W3C setLocalDescription. Without `type` it is offer or answer by the state; with an empty `sdp`
  /// the last created one is taken, or one is created. Errors: InvalidStateError, InvalidModificationError
  /// (not what create_offer or create_answer gave).
  Result<Changes> set_local_description(std::optional<SdpType> type = std::nullopt, std::string_view sdp = {});
  /// W3C setRemoteDescription. In have-local-offer an offer rolls back first. Errors: InvalidStateError,
  /// OperationError with SdpSyntaxError and line, InvalidAccessError.
  Result<Changes> set_remote_description(const SessionDescription& description);

  /// A data channel was created: the next offer has an application m-line.
  void want_data();
  /// W3C restartIce: the next offer has new credentials.
  void restart_ice();
  /// No verb has an effect afterwards.
  void close();

  /// A gathered candidate ("candidate:..."), of the generation `ufrag`: appended to the local description(s)
  /// that bear it. Returns what the icecandidate event shows; empty when no description knows the ufrag.
  std::optional<IceCandidateInit> add_local_candidate(std::string_view candidate, std::string_view ufrag);
  /// Gathering of the generation is complete. Returns the end-of-candidates indication (empty candidate).
  std::optional<IceCandidateInit> end_local_candidates(std::string_view ufrag);

  /// W3C addIceCandidate: checked against the remote description(s) and appended. Errors: TypeError (neither
  /// mid nor index), InvalidStateError (no remote description), OperationError (unknown mid, index or ufrag,
  /// unreadable candidate). Empty result: valid, and nothing to do (a rejected m-line).
  Result<std::optional<RemoteCandidate>> add_remote_candidate(const IceCandidateInit& candidate);

  [[nodiscard]] SignalingState signaling_state() const noexcept { return state_; }
  [[nodiscard]] std::optional<SessionDescription> local_description() const;  ///< Pending, else current.
  [[nodiscard]] std::optional<SessionDescription> remote_description() const;
  [[nodiscard]] std::optional<SessionDescription> current_local_description() const;
  [[nodiscard]] std::optional<SessionDescription> pending_local_description() const;
  [[nodiscard]] std::optional<SessionDescription> current_remote_description() const;
  [[nodiscard]] std::optional<SessionDescription> pending_remote_description() const;
  /// W3C canTrickleIceCandidates; empty before the first remote description.
  [[nodiscard]] std::optional<bool> can_trickle() const;
  /// W3C 4.7.3, the check itself: also needed while not stable, the session's flag decides when to ask.
  [[nodiscard]] bool negotiation_needed() const;
  /// Whether an application m-line is negotiated, and its mid.
  [[nodiscard]] std::optional<std::string> data_mid() const;

 private:
  SignalingState state_ = SignalingState::Stable;
  Options options_;
  Generator& generator_;
};

}  // namespace linnet::jsep
