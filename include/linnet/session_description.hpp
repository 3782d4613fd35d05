#pragma once

#include <string>

#include "linnet/states.hpp"

namespace linnet {

/// W3C RTCSessionDescriptionInit and RTCSessionDescription: a description to apply, or one applied.
/// `sdp` is ignored for a rollback.
struct SessionDescription {
  SdpType type = SdpType::Offer;
  std::string sdp;

  friend bool operator==(const SessionDescription&, const SessionDescription&) = default;
};

}  // namespace linnet
