#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "linnet/core/address.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/core/time.hpp"
#include "mdns/event_queue.hpp"
#include "mdns/message.hpp"
#include "mdns/packet_queue.hpp"

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

/// Answers the questions of one link for the addresses of names that are ours there (RFC 6762, for
/// draft-ietf-mmusic-mdns-ice-candidates). A machine on one multicast pipe, like Resolver. Owned by the runtime, which
/// has one for each interface: an address is told only where it is valid (section 6.2). Knows one address for each
/// name; never resolves anything.
///
/// Deviation: a name is answered for from the first moment on, while it is still probed for (RFC 6762 section 8.1), for
/// a peer asks as soon as it has the candidate. As names are random, a probe finds nobody.
/// Deviation: who asks for a direct answer (RFC 6762 section 5.4) gets one for the group. He shares his port with other
/// programs, as a browser does, and an answer to him alone would reach any one of them.
class Responder {
 public:
  using Event = std::variant<Conflict>;

  explicit Responder(const ResponderOptions& options = {})
      : options_(options), packets_(options.max_packets), events_(options.max_events) {}

  /// False: there are too many, the name is none, or has an address already.
  [[nodiscard]] bool publish(TimePoint now, std::string_view name, const IpAddress& address);
  /// Takes the name back; the goodbye is there to be polled.
  void withdraw(TimePoint now, std::string_view name);
  /// Without goodbyes.
  void close();

  /// From a program of multicast DNS, whose port is 5353.
  void handle_packet(TimePoint now, std::span<const std::byte> packet);
  /// From another port, on this link: a plain DNS resolver that gets a direct answer (RFC 6762 section 6.7). Responses
  /// are ignored (section 6), and what it proposes.
  void handle_legacy_packet(TimePoint now, std::span<const std::byte> packet, const Endpoint& from);
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out) {
    std::optional<Endpoint> to;
    return poll_packet(now, out, to);
  }
  /// `to` becomes who it is for, empty: the group.
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out, std::optional<Endpoint>& to);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const noexcept { return due_.empty() ? never : due_.begin()->at; }
  [[nodiscard]] std::optional<Event> poll_event() { return events_.poll(); }

  [[nodiscard]] std::size_t names() const noexcept { return entries_.size(); }
  [[nodiscard]] std::uint64_t packets_ignored() const noexcept { return packets_ignored_; }

 private:
  struct Entry {
    AddressRecord record;
    std::uint64_t number = 0;  ///< Never used twice.
    unsigned said = 0;         ///< How many probes and announcements.
    TimePoint next = never;    ///< The next of them.
    TimePoint answer_at = never;
    TimePoint due = never;  ///< The earlier one, as `due_` has it.
    Wanted wanted = Wanted::Any;
    std::optional<TimePoint> answered{};  ///< When the record was last sent.
  };
  /// Ordered by time; of equal ones, by age.
  struct Due {
    TimePoint at;
    std::uint64_t number = 0;
    Entry* entry = nullptr;
    friend bool operator<(const Due& a, const Due& b) noexcept {
      return a.at != b.at ? a.at < b.at : a.number < b.number;
    }
  };

  TimePoint advance(TimePoint now) noexcept { return now_ = now > now_ ? now : now_; }
  [[nodiscard]] Entry* find(const std::string& name) noexcept;
  void schedule(Entry& entry);
  void remove(Entry& entry);
  void say(Entry& entry);
  void answer(Entry& entry);
  void take_query(const Query& query);
  void take_response(std::span<const AddressRecord> records);
  void lose(Entry& entry);

  ResponderOptions options_;
  TimePoint now_{};
  bool closed_ = false;
  std::uint64_t next_number_ = 0;
  std::unordered_map<std::string, Entry> entries_;
  std::set<Due> due_;
  PacketQueue packets_;
  EventQueue<Event> events_;
  std::uint64_t packets_ignored_ = 0;
};

}  // namespace linnet::mdns
