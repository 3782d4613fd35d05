#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "ice/stun_transaction.hpp"
#include "ice/turn/long_term_credential.hpp"
#include "linnet/core/address.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/core/time.hpp"
#include "stun/message_view.hpp"

namespace linnet::ice::turn {

struct Options {
  std::string username;
  std::string credential;
  bool reliable = false;  ///< The path to the server is a stream: nothing is sent twice.

  Duration lifetime = std::chrono::minutes{10};  ///< What is asked for; the server may give another one.
  Duration allocate_timeout = std::chrono::seconds{5};
  Duration rto = std::chrono::milliseconds{500};  ///< RFC 8489 section 6.2.1, with `max_sends` Rc, `last_wait` Rm.
  unsigned max_sends = 7;
  unsigned last_wait = 16;
  Duration probe_timeout = std::chrono::seconds{10};  ///< Of `probe` on a stream.
  Duration keepalive = std::chrono::seconds{15};      ///< Of NAT mappings towards the server, of UDP only.

  std::size_t max_permissions = 128;
  std::size_t max_channels = 32;
  std::size_t max_packets = 160;  ///< Waiting to be polled; the oldest go first.
};

/// What was not acted upon.
struct Statistics {
  std::uint64_t malformed = 0;   ///< Neither STUN nor ChannelData, or none that makes sense.
  std::uint64_t unexpected = 0;  ///< Answers to nothing, unknown channels, peers that were never permitted.
  std::uint64_t forged = 0;      ///< Answers without the right integrity.
  std::uint64_t limits_hit = 0;  ///< Peers and packets dropped because of a limit.
};

/// One TURN allocation (RFC 8656) as its client: allocates, authenticates, refreshes, permits peers and binds channels,
/// and wraps what goes through. Owned by Relays, which knows the path to the server and moves the packets. Knows no
/// addresses of its own, no candidates and no pairs.
///
/// It asks for an IPv4 address and, in the same request, for an IPv6 one; a server that has no IPv4 is asked for IPv6.
class TurnClient {
 public:
  /// `relayed()` says which addresses there are.
  struct Allocated {};
  /// There is no allocation, or none any more. Nothing follows.
  struct Failed {
    std::uint16_t code = 0;  ///< STUN's, or `stun::unreachable`.
    std::string text;
  };
  /// RFC 8489 section 10: go to that server. Nothing follows.
  struct Alternate {
    Endpoint server;
    std::string domain;  ///< For the certificate; may be empty.
  };
  /// The server does not let us speak to that address.
  struct Refused {
    IpAddress peer;
    std::uint16_t code = 0;
  };
  using Event = std::variant<Allocated, Failed, Alternate, Refused>;

  enum class State : std::uint8_t { New, Allocating, Allocated, Over };

  /// Data that came through the relay; borrowed from what was handled.
  struct Data {
    Endpoint peer;
    std::span<std::byte> bytes;
  };

  TurnClient(Options options, Generator& generator);

  void start(TimePoint now);
  /// Asks whether the allocation is still there, now.
  void refresh(TimePoint now);
  /// The same when the peers are silent: what asks already asks once more, and on a stream is not waited for for long.
  void probe(TimePoint now);
  /// Lets that address send to us, and us to it. Kept up until `release`. False: there are too many.
  bool permit(TimePoint now, const IpAddress& peer);
  /// The short way of sending to that peer, as soon as the server agrees. Kept up until `release`.
  void bind(TimePoint now, const Endpoint& peer);
  /// Lets go of all peers but these.
  void release(TimePoint now, std::span<const Endpoint> but);
  /// Gives the allocation back. The goodbye is there to be polled, nothing else will be.
  void close(TimePoint now);

  /// What came from the server. Data, when it was that.
  std::optional<Data> handle_packet(TimePoint now, std::span<std::byte> bytes);
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out);
  /// How large the next one is; 0: there is none.
  [[nodiscard]] std::size_t pending() const noexcept { return outgoing_.empty() ? 0 : outgoing_.front().size(); }
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const noexcept { return next_; }
  [[nodiscard]] std::optional<Event> poll_event();

  /// How many bytes `wrap` writes before and, at most, behind what is sent to that peer.
  [[nodiscard]] std::size_t room_before(const Endpoint& peer) const noexcept;
  static constexpr std::size_t room_behind = 3;
  /// `packet` has `room_before(peer)` bytes, then `size` of data, then `room_behind`. Returns the size of the whole.
  [[nodiscard]] std::size_t wrap(const Endpoint& peer, std::span<std::byte> packet, std::size_t size);

  [[nodiscard]] State state() const noexcept { return state_; }
  /// The relayed address of that family.
  [[nodiscard]] const std::optional<Endpoint>& relayed(IpAddress::Family family) const noexcept {
    return relayed_[static_cast<std::size_t>(family)];
  }
  /// Where the server sees us.
  [[nodiscard]] const std::optional<Endpoint>& mapped() const noexcept { return mapped_; }
  [[nodiscard]] std::size_t permissions() const noexcept { return permissions_.size(); }
  [[nodiscard]] bool is_bound(const Endpoint& peer) const noexcept;
  [[nodiscard]] const Statistics& statistics() const noexcept { return statistics_; }

 private:
  struct Request {
    stun::Method method = stun::Method::Allocate;
    Endpoint peer{};            ///< Of CreatePermission (its address) and ChannelBind.
    std::uint16_t channel = 0;  ///< Of ChannelBind.
    bool gives_back = false;    ///< A Refresh to lifetime 0, before allocating once more.
    unsigned tries = 0;         ///< How often it was refused for its nonce or realm.
  };
  struct Transaction {
    Request request;
    stun::TransactionId id;
    StunTransaction timing;
    std::vector<std::byte> message;
    bool is_signed = false;
    std::uint16_t doubtful = 0;  ///< The error of an answer that was dropped: its integrity was missing or wrong.
  };
  struct Permission {
    enum class State : std::uint8_t { Asked, Granted, Refused };
    IpAddress peer;
    State state = State::Asked;
    TimePoint refresh_at = never;
    unsigned failures = 0;  ///< In a row.
  };
  struct Channel {
    Endpoint peer;
    std::uint16_t number = 0;
    bool bound = false;
    bool wanted = true;
    TimePoint refresh_at = never;
    TimePoint expires_at = never;
  };

  // turn_client.cpp
  TimePoint advance(TimePoint now) noexcept { return now_ = now > now_ ? now : now_; }
  void rearm() noexcept;
  void queue(std::vector<std::byte> packet);
  void give_up(std::uint16_t code, std::string text);
  void send_keepalive();
  [[nodiscard]] std::optional<Data> take_channel_data(std::span<std::byte> bytes);
  [[nodiscard]] std::optional<Data> take_data(std::span<std::byte> bytes, const stun::MessageView& message);
  [[nodiscard]] const Channel* channel_of(const Endpoint& peer) const noexcept;
  [[nodiscard]] bool is_permitted(const IpAddress& peer) const noexcept;

  // turn_client_requests.cpp
  void send(const Request& request, TimePoint limit = never);
  [[nodiscard]] std::vector<std::byte> encode(const Request& request, const stun::TransactionId& id) const;
  [[nodiscard]] bool is_trusted(Transaction& transaction, const stun::MessageView& message);
  void handle_answer(const stun::MessageView& message);
  void handle_success(const Request& request, const stun::MessageView& message);
  void handle_error(const Transaction& transaction, const stun::MessageView& message);
  void challenged(const Transaction& transaction, const stun::MessageView& message, bool stale);
  void allocated(const stun::MessageView& message);
  void refreshed(const stun::MessageView& message);
  void refused(const Request& request, std::uint16_t code, std::string_view reason);
  void allocate_refused(const Request& request, std::uint16_t code, std::string_view reason,
                        const stun::MessageView& message);
  void expire_transactions();
  void set_lifetime(Duration lifetime);

  Options options_;
  Generator& generator_;
  LongTermCredential credential_;
  TimePoint now_{};
  State state_ = State::New;
  TimePoint give_up_at_ = never;  ///< Of allocating.
  TimePoint refresh_at_ = never;
  TimePoint expires_at_ = never;
  TimePoint keepalive_at_ = never;
  TimePoint next_ = never;
  bool ipv6_only_ = false;  ///< The server has no IPv4.
  bool gave_back_ = false;  ///< An allocation that we knew nothing of.
  bool refreshing_ = false;
  bool owes_goodbye_ = false;  ///< The server has given what we cannot use.
  std::optional<Endpoint> relayed_[2];
  std::optional<Endpoint> mapped_;
  std::vector<Permission> permissions_;
  std::vector<Channel> channels_;
  std::uint16_t next_channel_;
  std::vector<Transaction> transactions_;
  std::deque<std::vector<std::byte>> outgoing_;
  std::deque<Event> events_;
  Statistics statistics_;
};

}  // namespace linnet::ice::turn
