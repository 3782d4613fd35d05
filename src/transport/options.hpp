#pragma once

#include <chrono>
#include <cstddef>

#include "dtls/connection.hpp"
#include "ice/options.hpp"
#include "linnet/core/time.hpp"
#include "sctp/association/options.hpp"

namespace linnet::transport {

struct Options {
  ice::Options ice{};
  dtls::Options dtls{};
  sctp::Options sctp{};  ///< Its sizes are set from those below less what DTLS adds.

  /// Largest UDP payload until the path is known to carry more, and the largest that SCTP tries (RFC 8899).
  std::size_t mtu = 1'200;
  std::size_t max_mtu = 16'421;
  /// draft-hancke-webrtc-sped: the DTLS handshake goes with ICE's checks, while there is no path.
  bool dtls_in_stun = false;
  /// How long close() goes on without the peer taking anything, and how long at most.
  Duration close_timeout = std::chrono::seconds{10};
  Duration close_limit = std::chrono::minutes{5};
};

struct Statistics {
  // RTCTransportStats: without connectivity checks.
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t media_dropped = 0;    ///< RTP and RTCP, which nobody asked for.
  std::uint64_t unknown_dropped = 0;  ///< No protocol of ours by RFC 7983.
  std::uint64_t strangers = 0;        ///< DTLS from a path that ICE knows nothing of.
};

}  // namespace linnet::transport
