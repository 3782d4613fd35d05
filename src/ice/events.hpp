#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/strong.hpp"
#include "ice/candidate.hpp"
#include "ice/embedding.hpp"
#include "linnet/core/address.hpp"
#include "linnet/states.hpp"

namespace linnet::ice {

using ResolveId = Strong<struct ResolveIdTag, std::uint64_t>;

/// Bind sockets and hand them over with `add_socket`, then call `sockets_done`. Asked once in each generation;
/// sockets handed over before stay in use and need not be given again.
struct NeedSockets {};
/// Resolve a name and answer with `resolved`; by multicast DNS when `mdns`.
struct Resolve {
  ResolveId id;
  std::string host;
  bool mdns = false;
};
/// The agent has done with a socket.
struct CloseSocket {
  Endpoint local;
};
/// W3C icecandidate. Tell the peer.
struct LocalCandidate {
  Candidate candidate;
};
/// W3C icecandidateerror.
struct CandidateError {
  std::string address;  ///< The local address, empty when unknown.
  std::uint16_t port = 0;
  std::string url;
  std::uint16_t error_code = 0;  ///< A STUN error code, or 701: the server could not be reached.
  std::string error_text;
};
struct GatheringStateChanged {
  IceGatheringState state;
};
struct StateChanged {
  IceConnectionState state;
};
struct SelectedPairChanged {
  Path path;
  Candidate local;
  Candidate remote;
};
struct RoleChanged {
  IceRole role;
};

using Event = std::variant<NeedSockets, Resolve, CloseSocket, LocalCandidate, CandidateError, GatheringStateChanged,
                           StateChanged, SelectedPairChanged, RoleChanged, Embedded>;

}  // namespace linnet::ice
