#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/trace_buffer.hpp"
#include "ice/server.hpp"
#include "linnet/core/address.hpp"
#include "linnet/core/time.hpp"
#include "linnet/states.hpp"
#include "linnet/tuning.hpp"

namespace linnet::ice {

/// RFC 8445 section 5.3: `ufrag` 4 to 256 and `pwd` 22 to 256 ice-chars (letters, digits, "+" and "/").
struct Credentials {
  std::string ufrag;
  std::string pwd;
  friend bool operator==(const Credentials&, const Credentials&) = default;
};

/// What the remote description says of the peer's agent.
struct RemoteParameters {
  Credentials credentials;
  bool lite = false;    ///< a=ice-lite
  bool trickle = true;  ///< a=ice-options:trickle. Without it the candidates in the description are all there are.
  bool renomination = false;  ///< a=ice-options:renomination
};

/// A socket that the owner has bound for this agent, one for each address. Of UDP without a port there is no socket,
/// but streams may leave from the address.
struct LocalSocket {
  Endpoint local;
  Protocol protocol = Protocol::Udp;
  std::uint32_t network_id = 0;  ///< Equal for sockets on one interface; 0: unknown.
  std::uint16_t cost = 0;        ///< 0 (best) to 999: libwebrtc's network cost.
  std::string name{};            ///< Not empty: told instead of the address, a name of multicast DNS.
};

/// What a 1:1 NAT makes of a socket's address; of each one of the family without `local`.
struct PublicMapping {
  IpAddress shown;
  std::optional<IpAddress> local{};
};

struct Options {
  bool lite = false;  ///< RFC 8445 section 2.5: only answer, host candidates only.
  IceTransportPolicy policy = IceTransportPolicy::All;
  bool udp = true;           ///< Host and server-reflexive candidates for UDP, and servers asked over it.
  IceTcp tcp = IceTcp::Off;  ///< RFC 6544
  std::vector<Server> servers{};
  bool ipv4_first = false;     ///< Of addresses of one network; else IPv6 is (RFC 8421).
  bool bound_streams = false;  ///< Streams to servers leave from the sockets' addresses, not from any.
  std::vector<PublicMapping> public_addresses{};
  bool show_private_addresses = false;  ///< Besides the public ones, which are server-reflexive then.

  Duration pacing = std::chrono::milliseconds{50};    ///< Ta, RFC 8445 section 14.2.
  unsigned burst = 5;                                 ///< Checks that may go before pacing begins to bite.
  Duration rto = std::chrono::milliseconds{500};      ///< First retransmission, RFC 8489 section 6.2.1.
  unsigned max_sends = 7;                             ///< Rc
  unsigned last_wait = 16;                            ///< Rm: how many RTOs to wait after the last send.
  Duration gather_timeout = std::chrono::seconds{5};  ///< For one server, then it is `stun::unreachable`.
  Duration allocate_timeout =
      std::chrono::milliseconds{9'500};  ///< The same for a TURN server, which takes two round trips or more.
  Duration nomination_delay =
      std::chrono::milliseconds{100};  ///< From the first valid pair, while better ones are tried.
  Duration relay_nomination_delay = std::chrono::seconds{2};  ///< The same when that pair is relayed or a stream.
  Duration improve_after = std::chrono::seconds{2};  ///< On a relay or a stream: when better pairs are tried again,
  unsigned improvements = 4;                         ///< and how often, each after four times the time before.
  /// What was lost, and came back for so long, is as good as any other: a relay, or a path shorter than the one that
  /// stood in for it. Before that each loss makes the wait for it longer.
  Duration proven_after = std::chrono::minutes{1};
  Duration patience = std::chrono::milliseconds{39'500};  ///< RFC 8863: never failed before that.
  /// A candidate that comes so long after a pair was nominated is of another network of the peer's, though the peer has
  /// never said that there are no more.
  Duration late_after = std::chrono::seconds{5};
  Duration consent_interval = std::chrono::seconds{5};    ///< RFC 7675, randomised by 0.8 to 1.2.
  Duration consent_expiry = std::chrono::seconds{30};     ///< RFC 7675
  Duration disconnected_after = std::chrono::seconds{5};  ///< How long a consent check goes without an answer.
  Duration keepalive = std::chrono::seconds{
      15};  ///< Tr, RFC 8445 section 11: of a lite agent's path, and of mappings that wait for checks.

  /// RFC 8489 section 6.2.2, Ti: how long the answer to a request on a stream may take, or the stream to open.
  Duration reliable_timeout = std::chrono::milliseconds{39'500};
  Duration unproven_stream_timeout = std::chrono::seconds{10};  ///< For the first good check on a stream that came in.

  std::size_t embedding = 0;  ///< The largest check or response with something for `Agent::embed`; 0: never.

  /// The number that names the first stream (`Connect`). Of the 512 from there on 256 are for streams to servers and
  /// 256 for streams to peers; they are used again.
  std::uint16_t first_stream = 1;

  std::size_t max_local_candidates = 64;
  /// Relays that are lost are allocated anew: at once when the server has forgotten them, else after `again_after`,
  /// doubled with each failure up to `again_after_most`, all times a random factor.
  bool allocate_again = true;
  Duration again_after = std::chrono::seconds{1};
  Duration again_after_most = std::chrono::minutes{1};
  Duration probe_interval = std::chrono::seconds{2};  ///< Of the server of a relayed path that is silent.

  std::size_t max_relays = 16;              ///< Allocations on TURN servers, of which each takes a port there.
  std::size_t max_remote_candidates = 256;  ///< Of more the best stay, and those that are in pairs.
  std::size_t max_lookups = 64;             ///< Names of the peer's that are asked for in a row, then one each
  Duration lookup_interval = std::chrono::seconds{1};
  std::size_t max_pairs = 100;    ///< RFC 8445 section 6.1.2.5
  std::size_t max_streams = 32;   ///< To and from peers, at one time.
  std::size_t max_connects = 64;  ///< Streams to peers that are opened in a row, then one each `connect_interval`.
  Duration connect_interval = std::chrono::seconds{5};
  std::size_t max_early_checks = 32;  ///< Checks kept until the remote credentials are known.
  std::size_t max_transactions = 512;
  std::size_t max_packets = 256;  ///< STUN messages waiting to be polled; the oldest go first.
  std::size_t max_events = 512;

  /// Where to record what happens; null: nowhere. Lives longer than the agent.
  TraceBuffer* trace = nullptr;
};

}  // namespace linnet::ice
