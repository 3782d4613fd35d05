#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jsep/changes.hpp"
#include "jsep/local_sections.hpp"
#include "jsep/options.hpp"
#include "linnet/core/error.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/ice_candidate.hpp"
#include "linnet/session_description.hpp"
#include "linnet/states.hpp"
#include "sdp/description.hpp"

namespace linnet::jsep {

/// The offer/answer half of an RTCPeerConnection: signaling state, the four descriptions, what they mean for
/// the transport. RFC 8829 and W3C section 4.4.1. Synchronous and plain memory: owned and called by the
/// session, which runs its verbs one at a time (the W3C operations chain) and does what `Changes` tells.
/// Knows no transport, no time, no candidates' meaning. A verb that fails leaves everything as it was.
/// Deviation: so does an offer that fails after an implicit rollback, which the W3C leaves in stable.
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
  /// RFC 8829 section 3.5.4: the credentials that the first description with data will have, so that candidates can be
  /// gathered for them before. What was gathered so far is forgotten: call it again to begin anew. Not once a
  /// description has told credentials.
  IceCredentials pool_credentials();
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
  /// One of the four descriptions. Local ones are kept without candidates, see `render`.
  struct Applied {
    SdpType type = SdpType::Offer;
    sdp::Description description;
  };
  /// W3C [[LastCreatedOffer]] and [[LastCreatedAnswer]].
  struct Created {
    std::string text;
    sdp::Description description;
    IceCredentials ice;
    std::uint64_t epoch = 0;
  };
  /// What an offer and its answer make of the data m-line together.
  struct Connection {
    bool offered = false;
    bool accepted = false;
    RemoteTransport transport{};
    DtlsRole dtls_role = DtlsRole::Client;
    std::optional<std::string> remote_tls_id{};
    std::string local_sctp_init{};  ///< a=sctp-init, when both sides have one.
  };

  // negotiation_create.cpp
  Result<> generate_offer(bool ice_restart);
  Result<> generate_answer();
  [[nodiscard]] sdp::Description blank();
  [[nodiscard]] const IceCredentials& first_credentials();
  [[nodiscard]] IceCredentials offer_credentials(bool ice_restart);
  [[nodiscard]] IceCredentials answer_credentials(std::string_view remote_ufrag, std::string_view remote_pwd);
  [[nodiscard]] std::string sctp_init(bool new_association);
  [[nodiscard]] sdp::Setup answer_setup(std::optional<sdp::Setup> offered, bool new_association) const;
  [[nodiscard]] std::string fresh_mid() const;
  [[nodiscard]] std::optional<std::string> current_data_mid() const;
  [[nodiscard]] std::string render(const sdp::Description& description) const;
  [[nodiscard]] std::optional<SessionDescription> present(const std::optional<Applied>& applied, bool local) const;

  // negotiation_apply.cpp
  [[nodiscard]] Result<> check_type(SdpType type, bool remote) const;
  Result<Changes> apply_local(SdpType type, const Created& created);
  Result<Changes> apply_remote(SdpType type, sdp::Description description, bool roll_back_first);
  Result<Changes> roll_back();
  void undo_offer(Changes& changes);
  [[nodiscard]] Result<Connection> plan(const sdp::Description& offer, const sdp::Description& answer,
                                        bool answer_is_ours) const;
  [[nodiscard]] Result<Connection> read_peer(const sdp::Description& theirs, std::size_t index) const;
  [[nodiscard]] bool begins_association(const Connection& with) const;
  void connect(Connection connection, SdpType type, bool answer_is_ours, Changes& changes);
  void use_credentials(const IceCredentials& ice, Changes& changes);
  void name_data_section(const sdp::Description& description, Changes& changes) const;
  void tell_former_transport(Changes& changes) const;
  void drop_transport(Changes& changes);
  void complete(Changes& changes);
  void enter(SignalingState state, Changes& changes);

  // negotiation_candidates.cpp
  [[nodiscard]] const Applied* newest_local() const noexcept;
  [[nodiscard]] const Applied* newest_remote() const noexcept;
  [[nodiscard]] Generation* generation_of(std::string_view ufrag) noexcept;
  [[nodiscard]] std::optional<IceCandidateInit> local_place(std::string_view ufrag) const;
  void show_early_candidates(Changes& changes);
  Result<bool> place_candidate(Applied& applied, std::size_t index, const IceCandidateInit& candidate);

  Options options_;
  Generator& generator_;
  SignalingState state_ = SignalingState::Stable;
  std::uint64_t session_id_;
  std::uint64_t session_version_ = 0;
  bool data_wanted_ = false;
  std::uint64_t epoch_ = 0;  ///< Counts what makes a created description outdated.

  std::optional<Applied> current_local_;
  std::optional<Applied> pending_local_;
  std::optional<Applied> current_remote_;
  std::optional<Applied> pending_remote_;
  Created last_offer_;
  Created last_answer_;

  // The transport of the data m-line, as far as negotiation knows it.
  std::vector<Generation> generations_;              ///< Of `used_ice_` and `stable_ice_`.
  std::optional<Generation> first_;                  ///< Of the first description, while there is no `used_ice_`.
  std::optional<IceCredentials> used_ice_;           ///< What `Changes` last told to use.
  std::optional<IceCredentials> stable_ice_;         ///< What the last completed exchange used.
  std::vector<IceCredentials> ice_to_replace_;       ///< W3C [[LocalIceCredentialsToReplace]].
  std::optional<RemoteTransport> remote_transport_;  ///< What `Changes` last told.
  std::optional<std::string> remote_tls_id_;
  std::optional<DtlsRole> dtls_role_;
  std::optional<std::string> first_sctp_init_;  ///< Of the first description, while there is no association.
  std::string sctp_init_;                       ///< That the association began from; empty: from a handshake.
  std::optional<bool> first_offer_was_ours_;    ///< RFC 8445 section 6.1.1: the ICE role stays.
};

}  // namespace linnet::jsep
