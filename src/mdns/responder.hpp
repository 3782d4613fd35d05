#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "linnet/core/address.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/core/time.hpp"
#include "mdns/message.hpp"

namespace linnet::mdns {

/// "1f4712db-ea17-4bcf-a596-105139dfd8bf.local": a version 4 UUID, which says nothing of who made it.
[[nodiscard]] std::string random_name(Generator& generator);

struct ResponderOptions {
  std::uint32_t ttl = 120;  ///< Seconds, RFC 6762 section 10.
  std::size_t max_names = 256;
  std::size_t max_packets = 64;  ///< Waiting to be polled; the oldest go first.
  std::size_t max_events = 64;
};

/// Somebody else has the name, and we have it no more.
struct Conflict {
  std::string name;
};

/// Answers the local network's questions for the addresses of names that are ours (RFC 6762, for
/// draft-ietf-mmusic-mdns-ice-candidates). A machine on one multicast pipe, like Resolver. Owned by the runtime. Knows
/// one address for each name; never resolves anything.
///
/// Deviation: a name is answered for from the first moment on, while it is still probed for (RFC 6762 section 8.1), for
/// a peer asks as soon as it has the candidate. As names are random, a probe finds nobody.
class Responder {
 public:
  using Event = std::variant<Conflict>;

  explicit Responder(const ResponderOptions& options = {}) : options_(options) {}

  /// False: there are too many, the name is none, or has an address already.
  [[nodiscard]] bool publish(TimePoint now, std::string_view name, const IpAddress& address);
  /// Takes the name back; the goodbye is there to be polled.
  void withdraw(TimePoint now, std::string_view name);
  /// Without goodbyes.
  void close();

  void handle_packet(TimePoint now, std::span<const std::byte> packet);
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const noexcept;
  [[nodiscard]] std::optional<Event> poll_event();

  [[nodiscard]] std::size_t names() const noexcept { return entries_.size(); }
  [[nodiscard]] std::uint64_t packets_ignored() const noexcept { return packets_ignored_; }

 private:
  struct Entry {
    AddressRecord record;
    unsigned said = 0;       ///< How many probes and announcements.
    TimePoint next = never;  ///< The next of them.
    TimePoint answer_at = never;
    Wanted wanted = Wanted::Any;
    std::optional<TimePoint> answered{};  ///< When the record was last sent.
  };

  TimePoint advance(TimePoint now) noexcept { return now_ = now > now_ ? now : now_; }
  [[nodiscard]] Entry* find(std::string_view name) noexcept;
  void say(Entry& entry);
  void answer(Entry& entry);
  void take_query(const Query& query);
  void take_response(std::span<const AddressRecord> records);
  void lose(Entry& entry);
  void queue(std::span<const std::byte> packet);

  ResponderOptions options_;
  TimePoint now_{};
  bool closed_ = false;
  std::vector<Entry> entries_;
  std::deque<std::vector<std::byte>> packets_;
  std::deque<Event> events_;
  std::uint64_t packets_ignored_ = 0;
};

}  // namespace linnet::mdns
