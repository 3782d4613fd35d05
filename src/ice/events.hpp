#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/strong.hpp"
#include "ice/candidate.hpp"
#include "ice/embedding.hpp"
#include "linnet/core/address.hpp"
#include "linnet/core/datagram.hpp"
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
  Protocol protocol = Protocol::Udp;
};
/// Open a stream and answer with `connected` or `disconnected`. `path.remote` is where to; `path.local.address` is what
/// to bind to, any address when unspecified; `path.local.port` is no port but a number that makes the name unique in
/// this agent's life (the system chooses the port). Every datagram of the stream bears this path, both ways.
struct Connect {
  Path path;
  std::string server_name;  ///< Of TLS: whom the certificate has to name.
  Framing framing = Framing::Stun;
};
/// The agent has done with a stream: send what was given before, then close it. No answer.
struct Disconnect {
  Path path;
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
  std::uint16_t error_code = 0;  ///< A STUN error code, or `stun::unreachable`.
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
  bool same_path = false;  ///< The peer has told what the remote candidate is, known from its check until now.
};
struct RoleChanged {
  IceRole role;
};

using Event = std::variant<NeedSockets, Resolve, CloseSocket, Connect, Disconnect, LocalCandidate, CandidateError,
                           GatheringStateChanged, StateChanged, SelectedPairChanged, RoleChanged, Embedded>;

}  // namespace linnet::ice
