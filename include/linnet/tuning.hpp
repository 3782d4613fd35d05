#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "linnet/core/time.hpp"

namespace linnet {

/// How SCTP finds out what the path carries.
enum class CongestionAlgorithm : std::uint8_t {
  Cubic,    ///< RFC 9438 with HyStart++ (RFC 9406): what TCP does today, and fair to it.
  NewReno,  ///< RFC 9260 section 7.2 to the letter.
  Bbr,      ///< Models the path's rate and delay (draft-ietf-ccwg-bbr); keeps its speed on lossy paths.
};

/// Whether ICE uses TCP besides (RFC 6544).
enum class IceTcp : std::uint8_t {
  Off,            ///< UDP alone.
  Active,         ///< Connects to addresses at which the peer waits for connections. Browsers do this, too.
  ActivePassive,  ///< And waits for connections on a port of each address: what a server does that browsers behind
                  ///< firewalls are to reach.
};

/// A public address that a 1:1 NAT, as clouds have it before their machines, turns into one of this machine's.
struct PublicAddress {
  std::string address;  ///< What peers are told: "203.0.113.5".
  std::string local{};  ///< This machine's own: "10.0.0.5". Empty: each one of the same family, as there is but one.

  friend bool operator==(const PublicAddress&, const PublicAddress&) = default;
};

/// Everything that can be set about a connection and is no part of W3C RTCConfiguration. The defaults are good for
/// the open internet; each limit bounds memory against a hostile or a slow peer.
struct Tuning {
  // --- Sizes -------------------------------------------------------------------------------------------------

  /// The largest UDP payload sent before the path is known to carry more, in bytes, DTLS and SCTP headers included;
  /// 576 to 16,421. 1200 passes everywhere.
  std::size_t mtu = 1'200;
  /// The largest UDP payload that path MTU discovery (RFC 8899) tries once there is much to send; at most 16,421,
  /// which holds the largest DTLS record. Not above `mtu`: no discovery.
  std::size_t max_mtu = 16'421;
  /// The largest message accepted, in bytes, told to the peer as `a=max-message-size` (RFC 8841 section 6).
  std::size_t max_message_size = 262'144;
  /// Bytes that may wait to be sent over all channels; a `send` beyond is an OperationError. An OPEN goes in anyway.
  std::size_t max_send_queue = std::size_t{16} * 1'024 * 1'024;
  /// Received bytes kept for the reader over all channels: the SCTP advertised receiver window. It begins with
  /// `initial_receive_window` and grows to eight times what the reader takes in a round trip, at most to
  /// `receive_window`, and twice that bounds what a peer can make us hold. The default fits 1 Gbit/s over 300 ms.
  std::size_t initial_receive_window = std::size_t{1} * 1'024 * 1'024;
  std::size_t receive_window = std::size_t{96} * 1'024 * 1'024;
  /// Data channels open at one time; 1 to 65,534 (RFC 8832 section 6; 65,535 is reserved).
  std::size_t max_channels = 65'534;
  /// Messages and bytes kept for a stream whose DATA_CHANNEL_OPEN has not arrived yet, over all such streams.
  std::size_t max_early_messages = 256;
  std::size_t max_early_bytes = std::size_t{1} * 1'024 * 1'024;

  // --- ICE ---------------------------------------------------------------------------------------------------

  /// RFC 8445 section 14.2 Ta: the pace of connectivity checks.
  Duration ice_check_interval = std::chrono::milliseconds{50};
  /// RFC 7675: between two consent checks, and silence after which the consent is lost.
  Duration ice_consent_interval = std::chrono::seconds{5};
  Duration ice_consent_timeout = std::chrono::seconds{30};
  /// Silence after which the connection counts as disconnected (W3C RTCIceTransportState "disconnected").
  Duration ice_disconnected_timeout = std::chrono::seconds{5};
  /// RFC 8863: how long checks may go on without any pair working before ICE has failed.
  Duration ice_failed_timeout = std::chrono::milliseconds{39'500};
  /// RFC 8445 section 6.1.2.5: most candidate pairs, and most candidates taken from the peer.
  std::size_t ice_max_pairs = 100;
  std::size_t ice_max_remote_candidates = 256;
  /// Take addresses of the loopback interface as host candidates. Browsers do not; tests on one machine may.
  bool ice_loopback_candidates = false;
  /// Take nothing else: for two programs on one machine, which then send nothing to a network.
  bool ice_loopback_only = false;
  /// ICE over TCP (RFC 6544), where UDP does not get through: it always comes after UDP.
  IceTcp ice_tcp = IceTcp::Active;
  /// Off: no UDP candidates, and no UDP socket, for networks that let none through (and for tests).
  bool ice_udp = true;
  /// Watch this machine's networks while connected (Linux only): an address that appears is told as a new candidate
  /// (icegatheringstate goes to gathering and back) and used when it is better or what was used has gone. A path that
  /// went away leaves the connection disconnected, failed only after `ice_consent_timeout`. Lost relays are had again.
  bool ice_continual_gathering = true;
  /// Tell the addresses of this machine as random names, which only hosts on the same link can resolve, by multicast
  /// DNS (draft-ietf-mmusic-mdns-ice-candidates), as browsers do for pages that may not use camera and microphone. No
  /// daemon is needed. `ice_public_addresses` and relays are told as they are. Off by default, see docs/decisions/006.
  bool ice_mdns = false;
  /// Behave as an ICE-lite implementation (RFC 8445 section 2.5): for servers on public addresses only.
  bool ice_lite = false;
  /// Among candidates of one kind those of IPv6 go first (RFC 8421); or those of IPv4. `use_ipv4` and `use_ipv6` leave
  /// a family out.
  bool ice_ipv4_first = false;
  /// Which interfaces of this machine are used, by name; "*" stands for any text: {"docker*", "veth*", "tun*"}. Without
  /// `allow` all are; `deny` counts for more. Streams to TURN servers go from these interfaces only, too.
  std::vector<std::string> ice_allow_interfaces{};
  std::vector<std::string> ice_deny_interfaces{};
  /// The same for addresses of this machine, as ranges: {"10.0.0.0/8", "2001:db8::/32", "192.0.2.1"}. SyntaxError for
  /// anything else.
  std::vector<std::string> ice_allow_addresses{};
  std::vector<std::string> ice_deny_addresses{};
  /// Host candidates on these addresses are told with the public address instead (and the same port, which the NAT has
  /// to pass on), so that no STUN server is needed: for servers in clouds. SyntaxError for what is no address.
  std::vector<PublicAddress> ice_public_addresses{};
  /// Tell the private address, too, for peers in the same network: the host candidate has it then, and the public one
  /// is that of a server-reflexive candidate.
  bool ice_show_private_addresses = false;

  // --- DTLS --------------------------------------------------------------------------------------------------

  /// RFC 9147 section 5.8.2: the first retransmission of a handshake flight; doubles each time.
  Duration dtls_initial_timeout = std::chrono::milliseconds{100};
  /// From the first flight to giving up.
  Duration dtls_handshake_timeout = std::chrono::seconds{30};

  // --- SCTP --------------------------------------------------------------------------------------------------

  /// RFC 9260 section 16: retransmission timeout.
  Duration sctp_rto_initial = std::chrono::milliseconds{500};
  Duration sctp_rto_min = std::chrono::milliseconds{200};
  Duration sctp_rto_max = std::chrono::seconds{10};
  CongestionAlgorithm congestion_algorithm = CongestionAlgorithm::Cubic;
  /// Spread what the congestion window allows over the round trip, instead of sending it in bursts that overflow short
  /// queues. Paths with round trips under a millisecond are never paced.
  bool sctp_pacing = true;
  /// With CUBIC: loss of at most 2 % that comes while the path's queue is not full is taken for the path's own (a
  /// radio's) and does not shrink the window. Off: RFC 9438 to the letter.
  bool sctp_tolerate_random_loss = true;
  /// RFC 8260: a message is not stuck behind a longer one of another channel, where the peer can do it too. Without it
  /// channels take turns message by message.
  bool sctp_interleaving = true;
  /// Explicit congestion notification, where the peer's SCTP speaks it, too (RFC 4960 appendix A): a router with a long
  /// queue marks packets instead of dropping them. Off: some paths clear or mangle the marks.
  bool sctp_ecn = false;
  /// RFC 9653: leave the checksum out where the peer agrees; DTLS protects every packet anyway.
  bool sctp_zero_checksum = true;
  /// Between heartbeats on an idle association. ICE consent already watches the path, so rarely.
  Duration sctp_heartbeat_interval = std::chrono::seconds{30};

  // --- Closing -----------------------------------------------------------------------------------------------

  /// close() goes on delivering what was sent. It gives up on a peer that is silent or takes nothing for this long,
  Duration close_timeout = std::chrono::seconds{10};
  /// and on any peer after this long.
  Duration close_limit = std::chrono::minutes{5};

  // --- The runtime's sockets ---------------------------------------------------------------------------------

  /// UDP and listening TCP ports to bind to, inclusive; 0 lets the operating system choose.
  std::uint16_t port_min = 0;
  std::uint16_t port_max = 0;
  /// Not 0: all connections with this number on one executor share this one UDP port, on each address of the machine,
  /// and `port_min` and `port_max` do not count: for a server behind a firewall with one open port. The peers have
  /// ports of their own: two processes that both share have one connection with each other. OperationError in the
  /// constructor of PeerConnection when the port is taken, as by connections of another executor.
  std::uint16_t udp_mux_port = 0;
  /// The same for TCP: all connections with this number on one executor wait for their peers on this one TCP port of
  /// each address. It takes `IceTcp::ActivePassive`; without, it does not count. A stream that does not say within ten
  /// seconds which connection it is for is closed.
  std::uint16_t tcp_mux_port = 0;
  /// Asked of the kernel for each socket; its default drops packets at a few hundred Mbit/s.
  std::size_t socket_receive_buffer = std::size_t{4} * 1'024 * 1'024;
  std::size_t socket_send_buffer = std::size_t{4} * 1'024 * 1'024;
  /// How long a TCP connection, with its TLS handshake, may take to open.
  Duration stream_connect_timeout = std::chrono::seconds{10};
  /// A file of certificates (PEM) whom `turns:` servers may have theirs from, besides the system's authorities: for a
  /// TURN server inside a company. Nothing turns the verification off. Empty: the system's alone.
  std::string tls_ca_file{};
  /// Leave out one address family.
  bool use_ipv4 = true;
  bool use_ipv6 = true;

  // --- Looking inside (the runtime writes these files; a Session of your own has Environment and poll_trace) -----

  /// Appends what ICE, DTLS, SCTP and the data channels do to this file, as JSON lines in the style of qlog (see
  /// linnet/core/trace.hpp): states, candidates (with addresses), packets, losses, windows; never what is said. It is
  /// written on the connection's executor, which that blocks: it is for finding faults. Connections may share a file,
  /// on different threads, too. Empty: nothing is recorded, at no cost. OperationError in the constructor of
  /// PeerConnection when the file cannot be opened; what fails later (the disk is full) stops the trace and nothing
  /// else, and PeerConnection::trace_failure() tells of it.
  std::string trace{};
  /// Appends the secrets of each DTLS handshake to this file, which is made readable for its owner only if it is not
  /// there yet, in the NSS key log format that Wireshark reads ("(Pre)-Master-Secret log"). DANGER: whoever has this
  /// file and has recorded the packets can read everything that was said. Never outside of a laboratory. No environment
  /// variable turns it on. Threads and errors are as above.
  std::string key_log{};

  // --- Experimental ------------------------------------------------------------------------------------------

  // What follows is of Internet-Drafts that still change, off unless asked for, and may change or go in any version.

  /// draft-hancke-tsvwg-snap: the SCTP INIT of each side travels in its description (`a=sctp-init`), and where both
  /// have one, data channels open as soon as DTLS is connected: a round trip earlier. A peer that does not know it
  /// connects as ever. While on, an `a=sctp-init` of the peer that is malformed, or changes in the life of its
  /// association, makes set_remote_description fail.
  bool experimental_snap = false;
  /// draft-hancke-webrtc-sped: the DTLS handshake begins with the connectivity checks and travels in them, so that it
  /// ends a round trip earlier where the peer does the same. A peer that does not know it skips the attributes and gets
  /// the handshake as ever. While on, datagrams of the handshake are 200 bytes smaller.
  bool experimental_sped = false;

  friend bool operator==(const Tuning&, const Tuning&) = default;
};

}  // namespace linnet
