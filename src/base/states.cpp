#include "linnet/states.hpp"

#include <array>
#include <cstddef>
#include <utility>

namespace linnet {
namespace {

template <std::size_t N, class Enum>
std::string_view pick(const std::array<std::string_view, N>& names, Enum value) noexcept {
  const auto index = static_cast<std::size_t>(std::to_underlying(value));
  return index < N ? names[index] : std::string_view{};
}

using Names2 = std::array<std::string_view, 2>;
using Names3 = std::array<std::string_view, 3>;
using Names4 = std::array<std::string_view, 4>;
using Names5 = std::array<std::string_view, 5>;
using Names6 = std::array<std::string_view, 6>;
using Names7 = std::array<std::string_view, 7>;

}  // namespace

std::string_view to_string(SignalingState v) noexcept {
  return pick(Names6{"stable", "have-local-offer", "have-remote-offer", "have-local-pranswer", "have-remote-pranswer",
                     "closed"},
              v);
}
std::string_view to_string(IceGatheringState v) noexcept { return pick(Names3{"new", "gathering", "complete"}, v); }
std::string_view to_string(IceConnectionState v) noexcept {
  return pick(Names7{"new", "checking", "connected", "completed", "disconnected", "failed", "closed"}, v);
}
std::string_view to_string(PeerConnectionState v) noexcept {
  return pick(Names6{"new", "connecting", "connected", "disconnected", "failed", "closed"}, v);
}
std::string_view to_string(DataChannelState v) noexcept {
  return pick(Names4{"connecting", "open", "closing", "closed"}, v);
}
std::string_view to_string(DtlsTransportState v) noexcept {
  return pick(Names5{"new", "connecting", "connected", "closed", "failed"}, v);
}
std::string_view to_string(SctpTransportState v) noexcept {
  return pick(Names3{"connecting", "connected", "closed"}, v);
}
std::string_view to_string(IceRole v) noexcept { return pick(Names3{"unknown", "controlling", "controlled"}, v); }
std::string_view to_string(IceCandidateType v) noexcept { return pick(Names4{"host", "srflx", "prflx", "relay"}, v); }
std::string_view to_string(IceTcpCandidateType v) noexcept { return pick(Names3{"active", "passive", "so"}, v); }
std::string_view to_string(IceTransportPolicy v) noexcept { return pick(Names2{"all", "relay"}, v); }
std::string_view to_string(BundlePolicy v) noexcept { return pick(Names3{"balanced", "max-compat", "max-bundle"}, v); }
std::string_view to_string(RtcpMuxPolicy) noexcept { return "require"; }
std::string_view to_string(SdpType v) noexcept { return pick(Names4{"offer", "pranswer", "answer", "rollback"}, v); }
std::string_view to_string(Priority v) noexcept { return pick(Names4{"very-low", "low", "medium", "high"}, v); }

}  // namespace linnet
