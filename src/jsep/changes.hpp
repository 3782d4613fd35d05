#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "linnet/ice_candidate.hpp"
#include "linnet/states.hpp"
#include "sdp/typed_attributes.hpp"

namespace linnet::jsep {

/// RFC 8445 section 5.3.
struct IceCredentials {
  std::string ufrag;
  std::string pwd;

  friend bool operator==(const IceCredentials&, const IceCredentials&) = default;
};

enum class DtlsRole : std::uint8_t { Client, Server };

/// What the remote description says of the transport of the data m-line. Plain data: the session converts.
struct RemoteTransport {
  IceCredentials ice;
  bool ice_lite = false;
  bool trickle = false;                 ///< a=ice-options:trickle
  bool renomination = false;            ///< a=ice-options:renomination
  bool ice_restart = false;             ///< The credentials are not those of the last negotiation.
  std::vector<std::string> candidates;  ///< "candidate:..." of the description and of those trickled before.
  bool end_of_candidates = false;
  std::vector<sdp::Fingerprint> fingerprints;  ///< Of the m-line, else of the session level. Not empty.
  bool dtls_restart = false;                   ///< The fingerprints or a=tls-id changed since the last negotiation.
  std::uint16_t sctp_port = 5000;
  std::vector<std::byte> sctp_init{};  ///< The peer's INIT chunk, a=sctp-init; empty: none, or we do not speak of it.
  std::uint64_t max_message_size = 65'536;  ///< What the peer accepts; 0 = unlimited. RFC 8841 section 6.

  friend bool operator==(const RemoteTransport&, const RemoteTransport&) = default;
};

/// What a description, once applied, asks the session to do. Members that are empty ask for nothing. The
/// session acts in the order of the members.
struct Changes {
  /// Signaling states passed through, in order: one signalingstatechange each. An implicit rollback gives
  /// two. The last is `signaling_state()`.
  std::vector<SignalingState> states{};
  /// The data m-line is gone, rejected by an answer: drop the transport and close its channels. A first offer
  /// that was rolled back drops nothing: its credentials and candidates serve the next description.
  bool transport_dropped = false;
  /// Use these local credentials from now on: at the first local description with data, at an ICE restart, and
  /// when the offer of a restart was rolled back (then they are the former ones). Negotiation makes them.
  std::optional<IceCredentials> local_ice{};
  /// `local_ice` replaces earlier credentials: a new ICE generation begins.
  bool local_ice_restart = false;
  /// `local_ice` are the former credentials again: the generation that the restart began is abandoned.
  bool local_ice_rollback = false;
  /// Start gathering (first local description with the data m-line, or an ICE restart).
  bool gather = false;
  /// RFC 8445 section 6.1.1, RFC 8829 section 5.10 and 5.11.
  std::optional<IceRole> ice_role{};
  /// Set when an answer or provisional answer of either side makes the transport's parameters known:
  /// connectivity checks, DTLS and SCTP may start (or are restarted, see its members). With
  /// `local_ice_rollback`: the former ones again, for ICE only.
  std::optional<RemoteTransport> remote{};
  /// With `remote`: which side of DTLS we are.
  std::optional<DtlsRole> dtls_role{};
  /// With `remote`: our INIT chunk when both sides have an a=sctp-init; SCTP begins from the two. Else empty.
  std::vector<std::byte> local_sctp_init{};
  /// Which m-line carries data, when the applied description has one that is not rejected.
  std::optional<std::string> data_mid{};
  std::optional<std::uint16_t> data_m_line_index{};
  /// Candidates gathered before their m-line was known: one icecandidate event each.
  std::vector<IceCandidateInit> early_candidates{};
  /// An offer/answer exchange was completed (state stable by an answer).
  bool negotiated = false;
  /// Check for negotiation-needed now (W3C 4.7.3).
  bool update_negotiation_needed = false;
};

/// What became of a remote candidate handed to `Negotiation::add_remote_candidate`.
struct RemoteCandidate {
  /// Hand it to ICE now. When false it is kept in the pending remote description: `RemoteTransport`
  /// will bring it with the answer.
  bool deliver = false;
  bool end_of_candidates = false;
  std::string candidate{};  ///< "candidate:..." as given.
  std::string ufrag{};      ///< The remote generation that it belongs to.
};

}  // namespace linnet::jsep
