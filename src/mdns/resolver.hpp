#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/strong.hpp"
#include "linnet/core/address.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/core/time.hpp"
#include "mdns/event_queue.hpp"
#include "mdns/packet_queue.hpp"

namespace linnet::mdns {

using QueryId = Strong<struct QueryIdTag, std::uint64_t>;

/// RFC 6762 section 3: where questions go and answers come from.
inline constexpr std::uint16_t port = 5353;
[[nodiscard]] Endpoint group_v4() noexcept;  ///< 224.0.0.251:5353
[[nodiscard]] Endpoint group_v6() noexcept;  ///< [ff02::fb]:5353

struct Options {
  Duration give_up = std::chrono::seconds{3};
  std::size_t max_queries = 64;  ///< Questions under way; a further one fails at once.
  std::size_t max_addresses_per_query = 8;
  std::size_t max_events = 256;
  std::size_t max_packets = 64;  ///< Packets waiting to be polled.
};

/// The answer to one query; no addresses: nobody answered.
struct Resolved {
  QueryId id;
  std::string host;
  std::vector<IpAddress> addresses;
};

/// Asks the local network for the addresses of ".local" names (RFC 6762, as RFC 8828 names hide host
/// candidates). A machine on one multicast pipe: the runtime sends what `poll_packet` gives to both groups
/// and hands in what arrives from port 5353 of the local link. Believes only answers for names it asked for. Never
/// answers questions.
class Resolver {
 public:
  using Event = std::variant<Resolved>;

  Resolver(const Options& options, Generator& generator)
      : options_(options), generator_(generator), packets_(options.max_packets), events_(options.max_events) {}

  /// Asks for A and AAAA of `host`. Ends in exactly one `Resolved` with this id, unless cancelled.
  void query(TimePoint now, QueryId id, std::string_view host);
  void cancel(QueryId id);
  void close();

  void handle_packet(TimePoint now, std::span<const std::byte> packet);
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const noexcept;
  [[nodiscard]] std::optional<Event> poll_event() { return events_.poll(); }

  [[nodiscard]] bool idle() const noexcept { return queries_.empty(); }
  [[nodiscard]] std::uint64_t packets_ignored() const noexcept { return packets_ignored_; }

 private:
  struct Query {
    QueryId id;
    std::string host;  ///< As asked.
    std::string name;  ///< Lower case, without the last dot.
    std::vector<IpAddress> addresses;
    unsigned sent = 0;
    TimePoint next_send;  ///< `never` when all tries are spent.
    TimePoint deadline;   ///< Gives up.
  };

  TimePoint advance(TimePoint now) noexcept;
  void finish(const Query& query);
  void send(Query& query);

  Options options_;
  Generator& generator_;
  TimePoint now_{};
  bool closed_ = false;
  std::vector<Query> queries_;
  PacketQueue packets_;
  EventQueue<Event> events_;
  std::uint64_t packets_ignored_ = 0;
};

}  // namespace linnet::mdns
