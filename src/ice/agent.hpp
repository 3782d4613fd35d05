#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/timer_table.hpp"
#include "ice/agent_statistics.hpp"
#include "ice/candidate.hpp"
#include "ice/candidate_pair.hpp"
#include "ice/check_list.hpp"
#include "ice/events.hpp"
#include "ice/lost_relay.hpp"
#include "ice/options.hpp"
#include "ice/pacer.hpp"
#include "ice/stun_transaction.hpp"
#include "ice/turn/relays.hpp"
#include "linnet/core/datagram.hpp"
#include "linnet/core/error.hpp"
#include "linnet/core/generator.hpp"
#include "stun/message_view.hpp"

namespace linnet::ice {

/// A candidate with the id that pairs name it by.
struct KnownCandidate {
  CandidateId id;
  Candidate candidate;
};

/// RFC 8445 agent for one component (everything is bundled and multiplexed), with trickle (RFC 8838) and
/// consent (RFC 7675). Owned by the transport, which hands it the STUN among the datagrams and sends what it
/// polls. Owns no socket: it asks for sockets, streams and names by event and is answered by verbs. Never sees SDP
/// and never carries data; `selected()` is the path for that. A relayed path has a relayed address as its local one and
/// is known to agent and transport alone: `begin`, `commit` and `unwrap` turn it into the path to the TURN server and
/// back.
///
/// Data may go on `selected()` as soon as one pair has answered, before one is nominated; the path may
/// change until then (RFC 8445 section 12).
class Agent {
 public:
  using Event = ice::Event;

  Agent(Options options, Generator& generator);

  /// Starts gathering; again after `restart`. Asks by NeedSockets and Resolve.
  void gather(TimePoint now);
  /// Or tells that its name is another one now: its candidates are told again.
  void add_socket(TimePoint now, const LocalSocket& socket);
  /// No further sockets in this generation.
  void sockets_done(TimePoint now);
  /// The socket is gone (its interface went down): its candidates and pairs go too.
  void remove_socket(TimePoint now, const Endpoint& local, Protocol protocol = Protocol::Udp);
  /// Answers Resolve; no address: it failed.
  void resolved(TimePoint now, ResolveId id, std::span<const IpAddress> addresses);
  /// Answers Connect.
  void connected(TimePoint now, const Path& path);
  /// Answers Connect, or tells that the stream has ended; `why` is for people.
  void disconnected(TimePoint now, const Path& path, std::string_view why);
  /// For gatherings to come, and for relays that are lost.
  void set_servers(std::vector<Server> servers) { options_.servers = std::move(servers); }
  void set_policy(IceTransportPolicy policy) { options_.policy = policy; }

  [[nodiscard]] const Credentials& local_credentials() const noexcept { return local_credentials_; }
  /// Replaces what the constructor or `restart` made up, before `gather`: offer/answer has to write credentials into a
  /// description before it is applied, so the session brings them. Both are ice-chars of RFC 8445 section 5.3 sizes.
  void set_local_credentials(Credentials credentials) { local_credentials_ = std::move(credentials); }
  /// New credentials and a new generation of candidates; `gather` and `set_remote` follow. The selected pair
  /// goes on carrying data until the new generation has nominated one.
  void restart(TimePoint now);
  void set_role(TimePoint now, IceRole role);
  /// The peer's credentials. Others than before are the peer's restart: unless `restart` was called since the
  /// last `set_remote`, the agent restarts itself and has new local credentials. SyntaxError when they are no
  /// ICE credentials.
  Result<> set_remote(TimePoint now, const RemoteParameters& remote);
  /// May come before `set_remote`. OperationError when its ufrag is not the peer's.
  Result<> add_remote_candidate(TimePoint now, const Candidate& candidate);
  void remote_end_of_candidates(TimePoint now);
  /// Nothing is told any more. What is left to poll are goodbyes to TURN servers; the owner closes sockets and streams.
  void close(TimePoint now);
  [[nodiscard]] bool has_goodbyes() const noexcept { return relays_.has_goodbyes(); }
  /// From now on, where `Options::embedding` allows it: what the checks and responses carry that are yet to be polled,
  /// and that the peer's are told of by `Embedded`. Nothing: neither.
  void embed(std::optional<Embedding> embedding);

  /// The transport tells what it sent and received on a path, for the statistics and keepalives.
  void note_sent(TimePoint now, const Path& path, std::size_t bytes);
  void note_received(TimePoint now, const Path& path, std::size_t bytes);

  /// No socket took so many datagrams and bytes of what was polled for `path`.
  void note_discarded(const Path& path, std::uint64_t packets, std::uint64_t bytes);

  /// Room for one datagram on `path`, direct or relayed, as `DatagramBatch::begin` has it; then `commit`.
  [[nodiscard]] std::span<std::byte> begin(DatagramBatch& batch, const Path& path, Ecn ecn, std::size_t at_least) {
    return relays_.empty() ? batch.begin(path, ecn, at_least) : relays_.begin(batch, path, ecn, at_least);
  }
  void commit(DatagramBatch& batch, std::size_t size, Sizing sizing = Sizing::Path) {
    if (relays_.empty())
      batch.commit(size, sizing);
    else
      relays_.commit(batch, size, sizing);
  }
  /// First thing with every datagram: nothing when it was between us and a TURN server, what was in it when it was
  /// relayed, else the datagram itself.
  [[nodiscard]] std::optional<Datagram> unwrap(const Datagram& datagram) {
    return relays_.empty() ? datagram : unwrap_relayed(datagram);
  }
  void handle_datagram(const Datagram& datagram);
  [[nodiscard]] Progress poll_transmit(TimePoint now, DatagramBatch& batch);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const noexcept;
  [[nodiscard]] std::optional<Event> poll_event();

  [[nodiscard]] IceConnectionState state() const noexcept { return state_; }
  [[nodiscard]] IceGatheringState gathering_state() const noexcept { return gathering_state_; }
  [[nodiscard]] IceRole role() const noexcept { return role_; }
  /// The path that data takes: the nominated pair, before that the best valid one.
  [[nodiscard]] std::optional<Path> selected() const noexcept;
  /// Whether there is such a path and the peer's consent has not run out.
  [[nodiscard]] bool can_send() const noexcept { return selected().has_value(); }
  /// Whether `path` is one that the peer has proved to be at: data from elsewhere is nobody's.
  [[nodiscard]] bool is_valid(const Path& path) const noexcept;
  struct SelectedPair {
    Candidate local;
    Candidate remote;
    CandidatePair pair;
  };
  [[nodiscard]] std::optional<SelectedPair> selected_pair() const;
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] const std::optional<RemoteParameters>& remote() const noexcept { return remote_; }
  [[nodiscard]] std::vector<KnownCandidate> local_candidates() const;
  [[nodiscard]] std::vector<KnownCandidate> remote_candidates() const;
  [[nodiscard]] std::span<const CandidatePair> pairs() const noexcept { return checks_.pairs(); }
  [[nodiscard]] const AgentStatistics& statistics() const noexcept { return statistics_; }
  [[nodiscard]] turn::Statistics relay_statistics() const noexcept { return relays_.statistics(); }
  /// How often the selected path changed; W3C selectedCandidatePairChanges.
  [[nodiscard]] std::uint32_t selected_pair_changes() const noexcept { return selected_pair_changes_; }

 private:
  enum class Timer : std::uint8_t {
    Pace,
    Nominate,
    Patience,
    Consent,
    Disconnected,
    ConsentExpiry,
    Keepalive,
    Mapping,
    Allocate,
    Probe,
    Improve,
    Count
  };

  struct LocalEntry {
    CandidateId id;
    Candidate candidate;
    Endpoint base;
    bool paired = false;               ///< Checks leave from it: a host candidate.
    std::optional<Endpoint> server{};  ///< Of a server-reflexive one: who told of it.
  };
  struct RemoteEntry {
    CandidateId id;
    Candidate candidate;
    std::optional<Endpoint> endpoint;  ///< Empty until its name is resolved, and for ever when that fails.
    std::optional<ResolveId> pending;
    bool late = false;  ///< Told after all others: the peer has got another network.
  };
  struct Transaction {
    enum class Kind : std::uint8_t { Check, Consent, Gather };
    Kind kind = Kind::Check;
    StunTransaction timing;
    stun::TransactionId id;
    Path path;
    PairId pair{};
    std::size_t server = 0;           ///< Of Gather: index of the server.
    std::uint32_t priority = 0;       ///< The PRIORITY it bore.
    IceRole role = IceRole::Unknown;  ///< The role it bore.
    bool use_candidate = false;
    bool previous = false;  ///< Belongs to the generation before the restart.
    std::vector<std::byte> message;
    std::string key;  ///< As of Outgoing.
  };
  /// A check that arrived before we knew who asks: what is needed for the triggered check.
  struct EarlyCheck {
    Path path;
    std::string remote_ufrag;
    std::uint32_t priority = 0;
    bool use_candidate = false;
    std::optional<std::uint32_t> nomination;
  };
  /// One STUN server in this generation.
  struct ServerEntry {
    std::optional<ResolveId> pending;
    std::vector<IpAddress> addresses;
    bool again = false;   ///< `pending` asks once more: the addresses are known, but may have changed.
    bool served = false;  ///< It has given a relay.
  };
  /// A server to be asked from a socket.
  struct WaitingGather {
    std::size_t server = 0;
    Endpoint socket;
    std::optional<IpAddress> address{};  ///< Of the server; empty: its first one.
  };
  /// The pair that carries data while a restart is under way.
  struct Previous {
    CandidatePair pair;
    Candidate local;
    Candidate remote;
    Credentials remote_credentials;
    std::string local_ufrag;
    bool remote_lite = false;
  };
  /// A stream to a peer, ours or one that came in.
  struct TcpStream {
    Path path;
    bool open = false;
    bool accepted = false;
    TimePoint deadline = never;  ///< Until when it has to be open, or to prove that it is the peer's.
  };
  struct Outgoing {
    Path path;
    std::vector<std::byte> bytes;
    std::string key{};  ///< Not empty: to be completed with what is embedded, and with this key, when it is polled.
  };

  // agent.cpp
  TimePoint advance(TimePoint now) noexcept;
  void new_credentials();
  void run();  ///< After every input: sends what is due, nominates, and tells of new states.
  void update_state();
  [[nodiscard]] IceConnectionState compute_state() const noexcept;
  void emit(Event event);
  void fail_all();
  void forget_previous();
  [[nodiscard]] bool active() const noexcept { return !closed_ && !failed_; }
  [[nodiscard]] const LocalEntry* local(CandidateId id) const noexcept;
  [[nodiscard]] const RemoteEntry* remote_entry(CandidateId id) const noexcept;
  void queue_packet(const Path& path, std::vector<std::byte> bytes, std::string key = {});

  // agent_embedding.cpp
  [[nodiscard]] std::vector<std::byte> finished(const Outgoing& packet);
  void take_embedded(const stun::MessageView& message);

  // agent_trace.cpp; only while there is a trace.
  void trace_event(const Event& event);
  void trace_pairs();

  // agent_gather.cpp
  void start_server(std::size_t index);
  void resolve_again(std::size_t index, const IpAddress& local);
  [[nodiscard]] bool try_next_address(std::size_t index, const Endpoint& socket, const IpAddress& tried);
  void want_gather(std::size_t index, const LocalSocket& socket);
  void send_gathers();
  void gather_from(const WaitingGather& gather, const LocalSocket& socket);
  [[nodiscard]] bool has_room_for_local();
  void add_host(const LocalSocket& socket);
  void add_udp_host(const LocalSocket& socket);
  void add_server_reflexive(const Endpoint& local, const Server& server, std::optional<Endpoint> told_by,
                            const Endpoint& mapped);
  void handle_gather_response(const Transaction& transaction, const stun::MessageView& message);
  void keep_mappings();
  void gather_failed(const Transaction& transaction, std::uint16_t code, std::string text);
  void update_gathering();
  void set_gathering_state(IceGatheringState state);
  [[nodiscard]] std::uint32_t local_preference(const LocalSocket& socket) const noexcept;
  [[nodiscard]] std::string foundation_of(IceCandidateType type, const IpAddress& base, std::string_view server);
  [[nodiscard]] const LocalSocket* socket(const Endpoint& local, Protocol protocol = Protocol::Udp) const noexcept;
  void drop_base(const Endpoint& base);
  /// Nothing can be sent on such paths any more.
  void drop_paths(const std::function<bool(const Path&)>& gone);

  // agent_shown.cpp
  [[nodiscard]] std::optional<IpAddress> public_address(const IpAddress& local) const noexcept;
  [[nodiscard]] std::variant<IpAddress, std::string> shown_address(const LocalSocket& socket) const;
  [[nodiscard]] Endpoint shown_base(const LocalSocket& socket) const;
  [[nodiscard]] bool hides_addresses() const noexcept;
  void rename_socket(const LocalSocket& socket);

  // agent_relay.cpp
  [[nodiscard]] std::optional<Datagram> unwrap_relayed(const Datagram& datagram);
  void drain_relays();
  void relay_allocated(const turn::Relays::Allocated& allocated);
  [[nodiscard]] bool ask_elsewhere(const turn::Relays::Failed& failed);
  void relay_failed(const turn::Relays::Failed& failed);
  void relay_refused(const turn::Relays::Refused& refused);
  [[nodiscard]] bool is_own_address(const Endpoint& relayed, const turn::Relays::Site& site) const noexcept;
  void add_relay_candidate(const turn::Relays::Allocated& allocated, const Endpoint& relayed);
  void permit(const Path& path);
  void release_peers();

  // agent_lost_relays.cpp
  [[nodiscard]] std::size_t index_of(const Server& server) const noexcept;
  [[nodiscard]] std::vector<LostRelay>::iterator lost_relay(const turn::Relays::Site& site) noexcept;
  [[nodiscard]] bool does_for(const Server& server, const Endpoint& socket, const LostRelay& lost) const noexcept;
  [[nodiscard]] bool relay_lost(const turn::Relays::Failed& failed);
  void relay_found(const turn::Relays::Site& site);
  void wait_for_relay(LostRelay& lost, bool long_enough = true);
  void wait_for_stuck_relays();
  void relay_missed(std::size_t server, const LocalSocket& socket);
  [[nodiscard]] bool relay_waits(std::size_t server, const Endpoint& socket) const noexcept;
  void inherit_relay(std::size_t server, const Endpoint& gone, std::uint32_t network_id);
  void inherit_lost_relays(const LocalSocket& gone);
  void allocate_again();
  void allocate_again(LostRelay& lost);
  void arm_allocate_again();
  void probe_relay();

  // agent_tcp.cpp
  void add_tcp_host(const LocalSocket& socket);
  void add_tcp_candidate(const LocalSocket& socket, IceCandidateType type,
                         const std::variant<IpAddress, std::string>& shown);
  [[nodiscard]] std::uint16_t next_stream_number() noexcept;
  [[nodiscard]] bool name_tcp_path(const LocalEntry& local, const RemoteEntry& remote, Path& path);
  [[nodiscard]] TcpStream* tcp_stream(const Path& path) noexcept;
  [[nodiscard]] bool is_tcp_stream_used(const Path& path) const noexcept;
  [[nodiscard]] bool has_stream(CandidatePair& pair);
  [[nodiscard]] bool tcp_connected(const Path& path);
  [[nodiscard]] bool tcp_disconnected(const Path& path);
  void lose_stream(const Path& path);
  void expire_tcp_streams();
  void release_tcp_streams();

  // agent_remote.cpp
  static constexpr std::size_t last_remotes = 8;  ///< Of those that come and go.
  void pair_remote(const RemoteEntry& remote);
  void pair_local(const LocalEntry& local);
  CandidatePair* form_pair(const LocalEntry& local, const RemoteEntry& remote, bool proven = false);
  [[nodiscard]] bool has_room_for_remote(std::optional<std::uint32_t> priority);
  void look_up(RemoteEntry entry);
  [[nodiscard]] const RemoteEntry* remote_for(const Endpoint& endpoint, Protocol protocol, std::uint32_t priority);
  void add_remote_entry(RemoteEntry entry);
  [[nodiscard]] bool remote_names_pending() const noexcept;
  void start_patience();
  void replay_early_checks();

  // agent_check.cpp
  void send_checks();
  void send_check(CandidatePair& pair);
  [[nodiscard]] CandidateId local_for(const CandidatePair& pair, const Endpoint& mapped, std::uint32_t priority);
  [[nodiscard]] Duration check_rto() const noexcept;
  void send_request(Transaction::Kind kind, const CandidatePair& pair, bool use_candidate, Duration rto);
  void handle_check_response(const Transaction& transaction, const Datagram& datagram,
                             const stun::MessageView& message);
  void handle_consent_response(const Transaction& transaction, const stun::MessageView& message);
  void note_round_trip(const Transaction& transaction, CandidatePair& pair) const;
  void check_succeeded(const Transaction& transaction, CandidatePair& pair, const Endpoint& mapped);
  void check_failed(CandidatePair& pair);
  void cancel_checks(PairId pair);
  void expire_transactions();
  [[nodiscard]] std::uint32_t told_priority(const CandidatePair& pair) const noexcept;
  void switch_role(IceRole role);

  // agent_inbound.cpp
  void handle_request(const Datagram& datagram, const stun::MessageView& message);
  void handle_response(const Datagram& datagram, const stun::MessageView& message);
  /// Whether the request is in conflict with our role and must be answered 487; switches our role when we have to
  /// yield.
  [[nodiscard]] bool role_conflict(const stun::MessageView& message);
  void respond_success(const Datagram& datagram, const stun::MessageView& message, std::string_view pwd);
  void respond_error(const Datagram& datagram, const stun::MessageView& message, stun::ErrorCode code,
                     std::string_view pwd, std::span<const std::uint16_t> unknown = {});
  void triggered_check(const EarlyCheck& check);

  // agent_nominate.cpp
  void consider_nomination();
  void nominate(CandidatePair& pair);
  void conclude(CandidatePair& pair);
  void pair_two_lites();
  void peer_nominated(CandidatePair& pair, std::optional<std::uint32_t> nomination);
  void select(CandidatePair* pair);
  void choose_selected();
  void leave_silent_path();
  [[nodiscard]] CandidatePair* best_valid() noexcept;
  [[nodiscard]] bool better_pending(const CandidatePair& pair) const noexcept;

  // agent_improve.cpp
  [[nodiscard]] static unsigned detours(const Candidate& local, const Candidate& remote) noexcept;
  [[nodiscard]] unsigned detours_in_use() const;
  void arm_improvement();
  [[nodiscard]] Duration improvement_wait() const noexcept;
  void improve();

  // agent_roam.cpp
  void network_came();
  void choose_again();
  void path_lost();
  void retry_pairs();
  void suspect_path();
  void forget_silent_pair();

  // agent_consent.cpp
  void start_consent();
  void stop_consent();
  void send_consent_check();
  void consent_given();
  void consent_lost();
  void heard_from_peer(const Path& path);  ///< Lite: an authenticated request stands in for a response.
  void send_keepalive();
  void send_indication(const Path& path);
  void arm_consent_check();
  [[nodiscard]] CandidatePair* selected_mutable() noexcept;

  Options options_;
  Generator& generator_;
  TimePoint now_{};
  bool closed_ = false;
  bool failed_ = false;

  // Roles and credentials.
  IceRole role_ = IceRole::Unknown;
  std::uint64_t tiebreaker_ = 0;
  Credentials local_credentials_;
  std::optional<Credentials> old_local_credentials_;
  std::optional<RemoteParameters> remote_;
  bool restarted_ = false;  ///< `restart` was called and no `set_remote` since.

  // Gathering.
  IceGatheringState gathering_state_ = IceGatheringState::New;
  bool sockets_done_ = false;
  std::vector<LocalSocket> sockets_;
  std::vector<LocalEntry> locals_;
  std::vector<Server> servers_in_use_;
  std::vector<ServerEntry> servers_;
  std::vector<WaitingGather> waiting_gathers_;  ///< At the pace.
  std::vector<LostRelay> lost_relays_;
  turn::Relays relays_;
  std::vector<std::string> foundations_;
  std::uint64_t next_resolve_ = 1;
  std::uint32_t next_candidate_ = 1;

  // The peer.
  std::vector<RemoteEntry> remotes_;
  bool remote_done_ = false;
  std::vector<EarlyCheck> early_;
  Pacer lookups_;

  // Streams to peers.
  std::vector<TcpStream> tcp_streams_;
  std::uint16_t next_stream_ = 0;
  Pacer connects_;

  // Checks.
  CheckList checks_;
  Pacer pacer_;
  std::vector<Transaction> transactions_;
  bool nominate_now_ = false;  ///< The nomination delay is over.
  bool completed_ = false;     ///< Was `completed` in this generation: it does not go back to `connected`.
  bool concluded_ = false;     ///< A pair of this generation is nominated.
  bool settled_ = false;       ///< The same, ever: `concluded_` is taken back when it is time to choose again.
  TimePoint settled_at_{};
  bool gathered_ = false;          ///< Gathering was complete in this generation: what comes now is another network.
  bool lost_ = false;              ///< The network of the selected pair went away, and nothing has taken its place yet.
  std::uint32_t nominations_ = 0;  ///< How often we have nominated in this generation.
  std::optional<PairId> selected_;
  unsigned improvements_ = 0;  ///< Attempts to leave relays or streams, since a shorter pair last held for long.
  unsigned detours_ = 0;       ///< Of the selected pair.
  TimePoint shorter_since_{};  ///< When a pair was selected that was shorter than the one before.
  std::optional<Previous> previous_;
  std::uint32_t selected_pair_changes_ = 0;

  // Consent.
  bool disconnected_ = false;
  TimePoint consent_at_{};  ///< When the peer last gave its consent on the selected pair.
  TimerTable<Timer> timers_;
  IceConnectionState state_ = IceConnectionState::New;
  std::deque<Outgoing> outgoing_;
  std::optional<Embedding> embedding_;
  std::size_t next_embedded_ = 0;
  std::deque<Event> events_;
  AgentStatistics statistics_;

  /// What the trace knows of each pair.
  struct TracedPair {
    PairId id;
    Path path;
    PairState state;
    bool nominated = false;
  };
  std::vector<TracedPair> traced_pairs_;
  IceConnectionState traced_state_ = IceConnectionState::New;
  IceGatheringState traced_gathering_ = IceGatheringState::New;
};

}  // namespace linnet::ice
