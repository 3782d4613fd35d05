#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

#include "linnet/core/datagram.hpp"
#include "linnet/core/generator.hpp"
#include "stun/message_builder.hpp"
#include "stun/message_view.hpp"
#include "turn_server/allocation.hpp"
#include "turn_server/challenge_limit.hpp"
#include "turn_server/nonce.hpp"
#include "turn_server/options.hpp"
#include "turn_server/outbox.hpp"
#include "turn_server/peer_policy.hpp"
#include "turn_server/users.hpp"

namespace linnet::turn_server {

/// Open a UDP socket for a relay; answered with `relay_opened` or `relay_failed`.
struct NeedRelay {
  RelayId id;
  IpAddress::Family family = IpAddress::Family::V4;
  bool even_port = false;
  Path client;  ///< Who asks: the relay is best on the address where the client reached us.
};
/// Close it, whether it was opened or not.
struct CloseRelay {
  RelayId id;
};
using Event = std::variant<NeedRelay, CloseRelay>;

struct Counters {
  std::uint64_t bindings = 0;     ///< Binding requests answered.
  std::uint64_t allocations = 0;  ///< Made.
  std::uint64_t refusals = 0;     ///< Error responses, without the 401 that asks for credentials.
  std::uint64_t unanswered = 0;   ///< Because of `max_challenges_per_second` or `max_bindings_per_second`.
  std::uint64_t ignored = 0;      ///< Neither STUN nor ChannelData that we know what to do with.
  std::uint64_t relayed_to_peers = 0;
  std::uint64_t relayed_to_clients = 0;
  std::uint64_t not_permitted = 0;   ///< From peers without a permission, or to them.
  std::uint64_t over_bandwidth = 0;  ///< Dropped by `max_bytes_per_second`.
  std::uint64_t queue_full = 0;      ///< Dropped because nobody polls fast enough.
};

/// STUN (RFC 8489: Binding, with RFC 5780 where the options say so) and TURN (RFC 8656: UDP relays for clients on UDP,
/// TCP or TLS) as a machine. Owned by
/// whoever owns the sockets; knows clients by their Path, relays by the address of their socket. Any address may ask
/// for its own (Binding); a relay needs a long-term credential.
///
/// Not done: DONT-FRAGMENT and ICMP, RESERVATION-TOKEN, two families in one allocation, MOBILITY, TCP relays (RFC
/// 6062), USERHASH and password algorithms other than MD5: clients are told so in the way that the RFCs have for it.
class TurnServer {
 public:
  using Event = turn_server::Event;

  TurnServer(Options options, Generator& generator);

  /// What the wall clock says now: it is set, and goes on while the machine sleeps.
  void set_unix_time(TimePoint now, std::chrono::seconds unix_time) noexcept;
  /// Answers NeedRelay: its socket is bound to `local`, and peers see `relayed` (the same, unless a NAT is between).
  void relay_opened(TimePoint now, RelayId id, const RelayAddress& address);
  void relay_failed(TimePoint now, RelayId id);
  /// The stream of a client is gone, and its allocation with it.
  void disconnected(TimePoint now, const Path& client);
  /// Of the machine, from now on: PeerOptions::own. Permissions that were given stay until they end.
  void set_own_addresses(std::vector<IpAddress> own);
  /// Forgets everybody, silently; the owner closes all sockets.
  void close(TimePoint now);

  void handle_datagram(const Datagram& datagram);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const noexcept;
  [[nodiscard]] Progress poll_transmit(TimePoint now, DatagramBatch& batch);
  [[nodiscard]] std::optional<Event> poll_event();

  [[nodiscard]] bool serves(const Path& client) const { return allocations_.contains(client); }
  [[nodiscard]] std::size_t allocations() const noexcept { return allocations_.size(); }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  /// A request and who sent it.
  struct Request {
    const Path& client;
    stun::MessageView message;
    std::string_view username{};
    Key key{};
    Allocation* allocation = nullptr;  ///< Of the client, if it has one.
  };
  /// Why a request is refused.
  using Refusal = std::optional<stun::ErrorCode>;

  // turn_server.cpp: the life of an allocation
  void advance(TimePoint now) noexcept;
  [[nodiscard]] Allocation* find(const Path& client);
  [[nodiscard]] Allocation* find(RelayId id);
  void set_lifetime(Allocation& allocation, Duration lifetime);
  void remove(Allocation& allocation);
  [[nodiscard]] std::int64_t unix_seconds() const noexcept;

  // turn_server_requests.cpp
  void handle_message(const Datagram& datagram);
  void handle_request(Request request);
  /// Whether it is who it says; otherwise it was answered.
  [[nodiscard]] bool authenticate(Request& request);
  void handle_allocate(const Request& request);
  [[nodiscard]] Refusal check_allocate(const stun::MessageView& message) const;
  [[nodiscard]] Refusal check_capacity(std::string_view account, const IpAddress& client) const;
  void handle_refresh(const Request& request);
  void handle_create_permission(const Request& request);
  void handle_channel_bind(const Request& request);
  [[nodiscard]] Refusal check_peer(const Allocation& allocation, const Endpoint& peer) const;
  void answer_allocate(const Allocation& allocation);

  // turn_server_binding.cpp
  void handle_binding(const Path& client, const stun::MessageView& message);
  /// The server as seen from that socket of it; null when RFC 5780 is not served there.
  [[nodiscard]] const BehaviorDiscovery* discovery(const Endpoint& local) const noexcept;

  // turn_server_replies.cpp
  static constexpr std::size_t max_reply = 1'500;
  /// Success, with what `fill` adds; authenticated.
  template <class Fill>
  void reply(const Request& request, Fill&& fill) {
    const auto out = outbox_.begin(max_reply);
    if (out.empty()) {
      ++counters_.queue_full;
      return;
    }
    stun::MessageBuilder builder{out, stun::Class::Success, request.message.method(), request.message.transaction_id()};
    fill(builder);
    builder.integrity(request.key);
    if (request.message.has_fingerprint()) builder.fingerprint();
    outbox_.commit(request.client, Ecn::NotEct, builder.finish());
  }
  void refuse(const Request& request, stun::ErrorCode code, std::span<const std::uint16_t> unknown = {});
  void refuse_unauthenticated(const Request& request, stun::ErrorCode code);
  /// A client on a stream is where it says; over UDP the address may be forged. False: no answer, and it is counted.
  [[nodiscard]] bool may_answer(const Path& client, ChallengeLimit& limit) noexcept;
  [[nodiscard]] bool may_refuse(const Request& request) noexcept;
  /// Each once, as many as `out` takes. `discovers`: those of RFC 5780 are known.
  [[nodiscard]] static std::size_t unknown_attributes(const stun::MessageView& message, bool discovers,
                                                      std::span<std::uint16_t> out) noexcept;
  [[nodiscard]] bool refuse_unknown_attributes(const Request& request, bool discovers = false);

  // turn_server_relay.cpp: the data path
  void handle_send(const Datagram& datagram, const stun::MessageView& message);
  void handle_channel_data(const Datagram& datagram);
  void to_peer(Allocation& from, const Endpoint& peer, Ecn ecn, std::span<const std::byte> data);
  void to_client(Allocation& allocation, const Endpoint& peer, Ecn ecn, std::span<const std::byte> data);

  Options options_;
  Users users_;
  Nonces nonces_;
  PeerPolicy policy_;
  ChallengeLimit challenges_;
  ChallengeLimit renewals_;  ///< Challenges of those with an allocation, which nobody who forges addresses uses up.
  ChallengeLimit bindings_;
  TimePoint now_{};
  bool closed_ = false;

  std::unordered_map<Path, Allocation> allocations_;
  std::unordered_map<RelayId, Path> clients_;
  std::unordered_map<Endpoint, Allocation*> by_socket_;   ///< By the address that the relay's socket is bound to.
  std::unordered_map<Endpoint, Allocation*> by_relayed_;  ///< By the address that peers see.
  std::map<IpAddress, std::size_t> relayed_addresses_;    ///< Of how many open relays.
  std::map<std::string, std::size_t, std::less<>> per_account_;
  std::map<IpAddress, std::size_t> per_network_;  ///< By `network_of` the client.
  std::set<std::pair<TimePoint, RelayId>> deadlines_;
  std::uint64_t last_id_ = 0;
  std::uint64_t last_indication_ = 0;
  std::size_t unclosed_ = 0;  ///< Relays asked for whose CloseRelay was not polled yet.
  std::deque<Event> events_;
  Outbox outbox_;
  Counters counters_;
};

}  // namespace linnet::turn_server
