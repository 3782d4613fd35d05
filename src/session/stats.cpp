#include "linnet/stats.hpp"

namespace linnet {

std::string_view to_string(CandidatePairState state) noexcept {
  switch (state) {
    case CandidatePairState::Frozen: return "frozen";
    case CandidatePairState::Waiting: return "waiting";
    case CandidatePairState::InProgress: return "in-progress";
    case CandidatePairState::Failed: return "failed";
    case CandidatePairState::Succeeded: return "succeeded";
  }
  return "";
}

namespace {

struct TypeOf {
  std::string_view operator()(const PeerConnectionStats&) const noexcept { return "peer-connection"; }
  std::string_view operator()(const TransportStats&) const noexcept { return "transport"; }
  std::string_view operator()(const CandidatePairStats&) const noexcept { return "candidate-pair"; }
  std::string_view operator()(const IceCandidateStats& s) const noexcept {
    return s.remote ? "remote-candidate" : "local-candidate";
  }
  std::string_view operator()(const CertificateStats&) const noexcept { return "certificate"; }
  std::string_view operator()(const DataChannelStats&) const noexcept { return "data-channel"; }
  std::string_view operator()(const SctpTransportStats&) const noexcept { return "linnet-sctp-transport"; }
  std::string_view operator()(const IceStats&) const noexcept { return "linnet-ice"; }
  std::string_view operator()(const UdpMuxStats&) const noexcept { return "linnet-udp-mux"; }
  std::string_view operator()(const TcpMuxStats&) const noexcept { return "linnet-tcp-mux"; }
};

}  // namespace

std::string_view type_of(const AnyStats& stats) noexcept { return std::visit(TypeOf{}, stats); }

}  // namespace linnet
