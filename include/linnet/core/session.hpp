#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "linnet/certificate.hpp"
#include "linnet/configuration.hpp"
#include "linnet/core/address.hpp"
#include "linnet/core/datagram.hpp"
#include "linnet/core/error.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/core/time.hpp"
#include "linnet/core/trace.hpp"
#include "linnet/data_channel_init.hpp"
#include "linnet/ice_candidate.hpp"
#include "linnet/session_description.hpp"
#include "linnet/states.hpp"
#include "linnet/stats.hpp"
#include "linnet/tuning.hpp"

namespace linnet {

/// Names one data channel inside its Session, from creation until the Session is destroyed; never used twice. Not
/// the SCTP stream id, which is unknown until the DTLS role is known.
enum class ChannelId : std::uint32_t {};

/// One message of a data channel. A text message is UTF-8 as the peer sent it.
struct DataChannelMessage {
  bool binary = false;
  std::vector<std::byte> data;

  [[nodiscard]] bool is_text() const noexcept { return !binary; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return data; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
  }
  friend bool operator==(const DataChannelMessage&, const DataChannelMessage&) = default;
};

/// A socket that its owner bound for a session. Udp: it sends and receives; or, with port 0, there is none (as
/// `Tuning::ice_udp` is off) but streams may leave from the address. Tcp: it listens.
struct LocalSocket {
  Endpoint local;
  Protocol protocol = Protocol::Udp;
  std::uint32_t network_id = 0;    ///< One number for each network interface.
  std::uint16_t network_cost = 0;  ///< Higher is worse: 0 wired, 10 wireless, 900 cellular.
  /// Not empty: what is told instead of the address, a name of multicast DNS for which the owner answers.
  std::string name{};
};

/// A question of `Session::Resolve`, to be answered once with `Session::resolved`.
enum class ResolveId : std::uint64_t {};

/// W3C RTCOfferOptions.
struct OfferOptions {
  bool ice_restart = false;
};

/// The sans-IO RTCPeerConnection: plain memory that is handed datagrams and the time, and is asked for datagrams and
/// events. Owned by the runtime's host, the simulator or an embedder's own loop; it knows no socket, thread, clock or
/// callback. Verbs have the semantics of the W3C methods, synchronously.
///
/// The owner's loop: give it input (`handle_datagram`, `handle_timeout`, a verb), then drain `poll_event`, then
/// `poll_transmit` until it says Done, then sleep until `next_timeout`. After the Terminated event nothing is left.
///
/// Distinct objects: safe. Shared objects: unsafe. Not movable: it hands out no references, hold it by unique_ptr.
class Session {
 public:
  /// What a session takes from its surroundings.
  struct Environment {
    /// All randomness, except for the keys of TLS unless `simulation` is set. Must outlive the session.
    Generator& generator;
    /// The time of day, for the validity of a certificate that the session makes.
    std::chrono::system_clock::time_point wall_clock{};
    /// Takes the randomness of TLS from `generator` too: same seed, same bytes. Never outside of tests.
    bool simulation = false;
    /// How many records may wait for `poll_trace`; 0: nothing is recorded.
    std::size_t trace_records = 0;
    /// Whether the secrets of each DTLS handshake are given out by `poll_key_log`.
    bool key_log = false;
  };

  // --- Events ------------------------------------------------------------------------------------------------

  /// Bind sockets: answer with `add_socket` for each and then `sockets_done`. Asked again at an ICE restart.
  struct NeedSockets {};
  /// Look a host name up (over multicast DNS when `mdns`): answer with `resolved`.
  struct Resolve {
    ResolveId id;
    std::string host;
    bool mdns = false;
  };
  /// The socket bound here is no longer needed.
  struct CloseSocket {
    Endpoint local;
    Protocol protocol = Protocol::Udp;
  };

  /// Open a stream and answer with `connected` or `disconnected`. Every datagram of it bears this very path, both ways.
  struct Connect {
    /// `remote`: where to. `local.address`: what to bind to, any when unspecified. `local.port` is no port but a number
    /// that makes the name unique in this session; the system chooses the port. `protocol`: Tcp or Tls.
    Path path;
    std::string server_name;  ///< Of TLS: for SNI, and whom the certificate has to name.
    Framing framing = Framing::Stun;
  };
  /// The stream is no longer needed: send what was given before, then close it. No answer.
  struct Disconnect {
    Path path;
  };

  struct NegotiationNeeded {};   ///< W3C negotiationneeded.
  struct SignalingStateChange {  ///< W3C signalingstatechange.
    SignalingState state;
  };
  struct IceGatheringStateChange {  ///< W3C icegatheringstatechange.
    IceGatheringState state;
  };
  struct IceConnectionStateChange {  ///< W3C iceconnectionstatechange.
    IceConnectionState state;
  };
  struct ConnectionStateChange {  ///< W3C connectionstatechange.
    PeerConnectionState state;
  };
  struct IceCandidateFound {  ///< W3C icecandidate; empty is the W3C's null: gathering is complete.
    std::optional<IceCandidate> candidate;
  };
  struct IceCandidateError {  ///< W3C icecandidateerror.
    std::optional<std::string> address;
    std::optional<std::uint16_t> port;
    std::string url;
    std::uint16_t error_code = 701;
    std::string error_text;
  };
  struct SelectedPairChange {  ///< W3C RTCIceTransport selectedcandidatepairchange.
    Path path;
  };
  struct DtlsStateChange {  ///< W3C RTCDtlsTransport statechange; `error` when Failed.
    DtlsTransportState state;
    std::optional<Error> error;
  };
  struct SctpStateChange {  ///< W3C RTCSctpTransport statechange.
    SctpTransportState state;
  };
  struct DataChannelAnnounced {  ///< W3C datachannel: the peer made a channel. ChannelOpen follows.
    ChannelId channel;
  };
  struct ChannelOpen {  ///< W3C RTCDataChannel open.
    ChannelId channel;
  };
  /// W3C RTCDataChannel message, but pulled: `receive` has something after it had nothing. Take until empty.
  struct ChannelMessageReady {
    ChannelId channel;
  };
  struct ChannelBufferedAmountLow {  ///< W3C RTCDataChannel bufferedamountlow.
    ChannelId channel;
  };
  /// Extension: the send queue has room again after a `send` was refused for lack of it.
  struct ChannelWritable {
    ChannelId channel;
  };
  struct ChannelClosing {  ///< W3C RTCDataChannel closing: the peer began to close it.
    ChannelId channel;
  };
  struct ChannelError {  ///< W3C RTCDataChannel error.
    ChannelId channel;
    Error error;
  };
  struct ChannelClosed {  ///< W3C RTCDataChannel close. Messages not read yet can still be.
    ChannelId channel;
  };
  /// The last event: everything was flushed or given up after close() or abort(). Drop the session.
  struct Terminated {};

  using Event =
      std::variant<NeedSockets, Resolve, CloseSocket, Connect, Disconnect, NegotiationNeeded, SignalingStateChange,
                   IceGatheringStateChange, IceConnectionStateChange, ConnectionStateChange, IceCandidateFound,
                   IceCandidateError, SelectedPairChange, DtlsStateChange, SctpStateChange, DataChannelAnnounced,
                   ChannelOpen, ChannelMessageReady, ChannelBufferedAmountLow, ChannelWritable, ChannelClosing,
                   ChannelError, ChannelClosed, Terminated>;

  // --- Life --------------------------------------------------------------------------------------------------

  /// W3C RTCPeerConnection constructor. SyntaxError for an URL that cannot be read; InvalidAccessError for a TURN
  /// server without credentials or an expired certificate; NotSupportedError for what linnet cannot do.
  [[nodiscard]] static Result<std::unique_ptr<Session>> create(Configuration configuration, Tuning tuning,
                                                               Environment environment);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// W3C close(): the states are `closed` at once and no W3C event follows. What was sent before is still delivered,
  /// for at most `Tuning::close_timeout`: go on polling until Terminated.
  void close(TimePoint now);
  /// Ends at once: tells the peer (SCTP ABORT, close_notify) once and waits for nothing.
  void abort(TimePoint now);

  // --- Machine -----------------------------------------------------------------------------------------------

  void handle_datagram(const Datagram& datagram);
  [[nodiscard]] Progress poll_transmit(TimePoint now, DatagramBatch& batch);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const noexcept;
  [[nodiscard]] std::optional<Event> poll_event();

  /// What happened, oldest first, if the environment asked for it: take until empty, after each input and each
  /// `poll_transmit`. What finds the buffer full is dropped, and told as trace::RecordsDropped.
  [[nodiscard]] std::optional<trace::Record> poll_trace();
  /// A line of NSS's key log format (SSLKEYLOGFILE), without its line end. Danger: whoever has it can read everything
  /// that this connection says.
  [[nodiscard]] std::optional<std::string> poll_key_log();

  // --- Answers to NeedSockets, Resolve and Connect -----------------------------------------------------------

  void add_socket(TimePoint now, const LocalSocket& socket);
  void sockets_done(TimePoint now);
  /// The socket died, or its network went away.
  void remove_socket(TimePoint now, const Endpoint& local, Protocol protocol = Protocol::Udp);
  /// Empty: the name is not known.
  void resolved(TimePoint now, ResolveId id, std::span<const IpAddress> addresses);
  /// The stream of `Connect` is open, with TLS its handshake done and the certificate found good. Or a connection came
  /// in at a listening socket: `path.local` is that socket's address, `path.remote` the other's. Framing::Rfc4571.
  void connected(TimePoint now, const Path& path);
  /// It could not be opened, or has ended; `why` is for people. Not after `Disconnect`.
  void disconnected(TimePoint now, const Path& path, std::string_view why);

  // --- Negotiation -------------------------------------------------------------------------------------------

  [[nodiscard]] Result<SessionDescription> create_offer(const OfferOptions& options = {});
  [[nodiscard]] Result<SessionDescription> create_answer();
  /// W3C setLocalDescription(). Without a description: makes the offer or answer that the state calls for. An empty
  /// `sdp` stands for the last one created.
  [[nodiscard]] Result<> set_local_description(TimePoint now, std::optional<SessionDescription> description = {});
  [[nodiscard]] Result<> set_remote_description(TimePoint now, const SessionDescription& description);
  /// W3C addIceCandidate(). No value: end of candidates for all m-lines, as an empty `candidate` is for one.
  [[nodiscard]] Result<> add_ice_candidate(TimePoint now, const std::optional<IceCandidateInit>& candidate);
  void restart_ice(TimePoint now);
  [[nodiscard]] const Configuration& get_configuration() const noexcept;
  [[nodiscard]] Result<> set_configuration(TimePoint now, Configuration configuration);

  [[nodiscard]] SignalingState signaling_state() const noexcept;
  [[nodiscard]] IceGatheringState ice_gathering_state() const noexcept;
  [[nodiscard]] IceConnectionState ice_connection_state() const noexcept;
  [[nodiscard]] PeerConnectionState connection_state() const noexcept;
  [[nodiscard]] DtlsTransportState dtls_transport_state() const noexcept;
  /// W3C sctp: empty while no data channel was negotiated.
  [[nodiscard]] std::optional<SctpTransportState> sctp_transport_state() const noexcept;
  [[nodiscard]] std::optional<bool> can_trickle_ice_candidates() const;
  [[nodiscard]] std::optional<SessionDescription> local_description() const;
  [[nodiscard]] std::optional<SessionDescription> remote_description() const;
  [[nodiscard]] std::optional<SessionDescription> current_local_description() const;
  [[nodiscard]] std::optional<SessionDescription> pending_local_description() const;
  [[nodiscard]] std::optional<SessionDescription> current_remote_description() const;
  [[nodiscard]] std::optional<SessionDescription> pending_remote_description() const;

  // --- ICE, DTLS, SCTP transport -----------------------------------------------------------------------------

  /// The username fragments that a first STUN check for this session may be addressed to: what a host needs to share
  /// one socket among sessions.
  [[nodiscard]] std::vector<std::string> local_username_fragments() const;
  /// The path that carries data now.
  [[nodiscard]] std::optional<Path> selected_path() const;
  /// W3C RTCDtlsTransport.getRemoteCertificates(): DER, empty before the handshake.
  [[nodiscard]] std::vector<std::vector<std::byte>> remote_certificates() const;
  /// W3C RTCSctpTransport.maxMessageSize: the largest message that may be sent. 0 means without limit.
  [[nodiscard]] std::size_t max_message_size() const noexcept;
  /// W3C RTCSctpTransport.maxChannels: empty until connected.
  [[nodiscard]] std::optional<std::uint16_t> max_channels() const noexcept;

  // --- Data channels -----------------------------------------------------------------------------------------

  /// W3C createDataChannel(). TypeError: label or protocol over 65,535 bytes, both limits of reliability, a negotiated
  /// channel without id, id 65,535. OperationError: the id is taken or there are too many channels.
  [[nodiscard]] Result<ChannelId> create_data_channel(TimePoint now, std::string_view label,
                                                      const DataChannelInit& init = {});
  /// W3C send(). InvalidStateError unless open; TypeError when larger than `max_message_size`; OperationError when the
  /// send queue is full: wait for ChannelWritable.
  [[nodiscard]] Result<> send(TimePoint now, ChannelId channel, std::string_view text);
  [[nodiscard]] Result<> send(TimePoint now, ChannelId channel, std::span<const std::byte> data);
  /// The next message in order, if there is one. What is not read holds the peer back.
  [[nodiscard]] std::optional<DataChannelMessage> receive(ChannelId channel);
  /// W3C RTCDataChannel.close(): what was sent before is delivered first.
  void close_channel(TimePoint now, ChannelId channel);
  /// Forgets a closed channel whose handle is gone: its getters then answer like those of an unknown channel.
  /// Of channels that are not released the last 1,024 to close are remembered.
  void release_channel(ChannelId channel);

  [[nodiscard]] std::size_t buffered_amount(ChannelId channel) const noexcept;
  [[nodiscard]] std::size_t buffered_amount_low_threshold(ChannelId channel) const noexcept;
  void set_buffered_amount_low_threshold(ChannelId channel, std::size_t bytes);
  /// Bytes that `send` takes now without being refused.
  [[nodiscard]] std::size_t send_room() const noexcept;
  /// Whether `send` fails whatever room there is: the channel's id was another's, whose end the peer has not confirmed
  /// yet. ChannelWritable tells when it is over, if `send` was tried.
  [[nodiscard]] bool send_held_up(ChannelId channel) const noexcept;
  /// Whether nothing waits to be sent on any channel: `send_room` is as large as it ever is.
  [[nodiscard]] bool send_queue_empty() const noexcept;

  // For a channel that this session does not know: empty values and Closed.
  [[nodiscard]] const std::string& label(ChannelId channel) const noexcept;
  [[nodiscard]] const std::string& protocol(ChannelId channel) const noexcept;
  [[nodiscard]] bool ordered(ChannelId channel) const noexcept;
  [[nodiscard]] std::optional<std::uint16_t> max_packet_life_time(ChannelId channel) const noexcept;
  [[nodiscard]] std::optional<std::uint16_t> max_retransmits(ChannelId channel) const noexcept;
  [[nodiscard]] bool negotiated(ChannelId channel) const noexcept;
  /// W3C RTCDataChannel.id: the SCTP stream id; empty until the DTLS role is known, unless it was given.
  [[nodiscard]] std::optional<std::uint16_t> id(ChannelId channel) const noexcept;
  [[nodiscard]] Priority priority(ChannelId channel) const noexcept;
  [[nodiscard]] DataChannelState ready_state(ChannelId channel) const noexcept;

  /// The owner could not send so many datagrams, and bytes, of what `poll_transmit` gave for this path: for the
  /// statistics. They are lost, as any datagram may be.
  void note_discarded(const Path& path, std::uint64_t packets, std::uint64_t bytes);

  /// W3C getStats(). Timestamps are `now` since the epoch of the machine clock, in milliseconds.
  [[nodiscard]] StatsReport get_stats(TimePoint now) const;

 private:
  class Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace linnet
