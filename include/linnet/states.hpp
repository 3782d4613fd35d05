#pragma once

#include <cstdint>
#include <string_view>

namespace linnet {

// The enumerations of the W3C WebRTC API, each with its W3C name. `to_string` gives exactly the W3C string.

enum class SignalingState : std::uint8_t {  ///< RTCSignalingState
  Stable,
  HaveLocalOffer,
  HaveRemoteOffer,
  HaveLocalPranswer,
  HaveRemotePranswer,
  Closed,
};
enum class IceGatheringState : std::uint8_t { New, Gathering, Complete };  ///< RTCIceGatheringState
enum class IceConnectionState : std::uint8_t {                             ///< RTCIceConnectionState
  New,
  Checking,
  Connected,
  Completed,
  Disconnected,
  Failed,
  Closed,
};
enum class PeerConnectionState : std::uint8_t {  ///< RTCPeerConnectionState
  New,
  Connecting,
  Connected,
  Disconnected,
  Failed,
  Closed,
};
enum class DataChannelState : std::uint8_t { Connecting, Open, Closing, Closed };             ///< RTCDataChannelState
enum class DtlsTransportState : std::uint8_t { New, Connecting, Connected, Closed, Failed };  ///< RTCDtlsTransportState
enum class SctpTransportState : std::uint8_t { Connecting, Connected, Closed };               ///< RTCSctpTransportState
enum class IceRole : std::uint8_t { Unknown, Controlling, Controlled };                       ///< RTCIceRole
enum class IceCandidateType : std::uint8_t { Host, Srflx, Prflx, Relay };                     ///< RTCIceCandidateType
enum class IceTcpCandidateType : std::uint8_t { Active, Passive, So };      ///< RTCIceTcpCandidateType
enum class IceTransportPolicy : std::uint8_t { All, Relay };                ///< RTCIceTransportPolicy
enum class BundlePolicy : std::uint8_t { Balanced, MaxCompat, MaxBundle };  ///< RTCBundlePolicy
enum class RtcpMuxPolicy : std::uint8_t { Require };                        ///< RTCRtcpMuxPolicy
enum class SdpType : std::uint8_t { Offer, Pranswer, Answer, Rollback };    ///< RTCSdpType
enum class Priority : std::uint8_t { VeryLow, Low, Medium, High };          ///< RTCPriorityType

[[nodiscard]] std::string_view to_string(SignalingState) noexcept;
[[nodiscard]] std::string_view to_string(IceGatheringState) noexcept;
[[nodiscard]] std::string_view to_string(IceConnectionState) noexcept;
[[nodiscard]] std::string_view to_string(PeerConnectionState) noexcept;
[[nodiscard]] std::string_view to_string(DataChannelState) noexcept;
[[nodiscard]] std::string_view to_string(DtlsTransportState) noexcept;
[[nodiscard]] std::string_view to_string(SctpTransportState) noexcept;
[[nodiscard]] std::string_view to_string(IceRole) noexcept;
[[nodiscard]] std::string_view to_string(IceCandidateType) noexcept;
[[nodiscard]] std::string_view to_string(IceTcpCandidateType) noexcept;
[[nodiscard]] std::string_view to_string(IceTransportPolicy) noexcept;
[[nodiscard]] std::string_view to_string(BundlePolicy) noexcept;
[[nodiscard]] std::string_view to_string(RtcpMuxPolicy) noexcept;
[[nodiscard]] std::string_view to_string(SdpType) noexcept;
[[nodiscard]] std::string_view to_string(Priority) noexcept;

}  // namespace linnet
