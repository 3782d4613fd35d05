#include "mdns/responder.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/machine.hpp"
#include "base/mdns_name.hpp"
#include "mdns/resolver.hpp"

namespace linnet::mdns {

static_assert(PipeMachine<Responder>);

namespace {

using std::chrono::milliseconds;

/// RFC 6762 sections 8.1 and 8.3: three probes, then two announcements; how long after the one before.
constexpr unsigned probes = 3;
constexpr std::array<Duration, 5> pauses{milliseconds{0}, milliseconds{250}, milliseconds{250}, milliseconds{250},
                                         milliseconds{1'000}};
/// Between two answers with the same record. Deviation: RFC 6762 section 6 has a second. Who asks in between has just
/// got the candidate, and somebody waits for the connection.
constexpr Duration least_pause = milliseconds{200};
constexpr std::size_t most_in_packet = 64;
constexpr std::size_t max_packet = 512;  // One name of at most 255 bytes, and two records.

}  // namespace

std::string random_name(Generator& generator) {
  std::array<std::byte, 16> bytes{};
  generator.fill(bytes);
  // RFC 9562 section 5.4.
  bytes[6] = (bytes[6] & std::byte{0x0F}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3F}) | std::byte{0x80};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back('-');
    out.push_back(digits[std::to_integer<std::size_t>(bytes[i] >> 4)]);
    out.push_back(digits[std::to_integer<std::size_t>(bytes[i] & std::byte{0x0F})]);
  }
  return out + ".local";
}

Responder::Entry* Responder::find(const std::string& name) noexcept {
  const auto it = entries_.find(name);
  return it == entries_.end() ? nullptr : &it->second;
}

/// Whatever changes one of its times calls this.
void Responder::schedule(Entry& entry) {
  const TimePoint due = std::min(entry.next, entry.answer_at);
  if (due == entry.due) return;
  if (entry.due != never) due_.erase({.at = entry.due, .number = entry.number});
  if (due != never) due_.insert({.at = due, .number = entry.number, .entry = &entry});
  entry.due = due;
}

void Responder::remove(Entry& entry) {
  entry.next = entry.answer_at = never;
  schedule(entry);
  entries_.erase(entries_.find(entry.record.name));
}

bool Responder::publish(TimePoint now, std::string_view name, const IpAddress& address) {
  advance(now);
  std::string own = canonical(name);
  if (closed_ || entries_.size() >= options_.max_names || !is_mdns_name(own)) return false;
  const auto [at, added] = entries_.try_emplace(own);
  if (!added) return false;
  Entry& entry = at->second;
  entry.record = {.name = std::move(own), .address = address.unscoped(), .ttl = options_.ttl};
  entry.number = next_number_++;
  say(entry);
  return true;
}

void Responder::withdraw(TimePoint now, std::string_view name) {
  advance(now);
  Entry* const entry = find(canonical(name));
  if (entry == nullptr) return;
  // RFC 6762 section 10.1: those who may have heard of it forget it.
  entry->record.ttl = 0;
  if (entry->answered) answer(*entry);
  remove(*entry);
}

void Responder::close() {
  closed_ = true;
  entries_.clear();
  due_.clear();
  packets_.clear();
  events_.clear();
}

/// The next probe or announcement.
void Responder::say(Entry& entry) {
  std::array<std::byte, max_packet> buffer{};
  if (entry.said++ < probes) {
    packets_.push(std::span{buffer}.first(write_probe(buffer, entry.record)));
  } else {
    entry.wanted = Wanted::Any;
    answer(entry);
  }
  entry.next = entry.said < pauses.size() ? now_ + pauses[entry.said] : never;
  schedule(entry);
}

void Responder::answer(Entry& entry) {
  std::array<std::byte, max_packet> buffer{};
  packets_.push(std::span{buffer}.first(write_response(buffer, entry.record, entry.wanted)));
  entry.answered = now_;
  entry.answer_at = never;
  schedule(entry);
}

void Responder::lose(Entry& entry) {
  events_.push(Conflict{entry.record.name});
  remove(entry);
}

// --- What comes in -----------------------------------------------------------------------------------------------

void Responder::handle_packet(TimePoint now, std::span<const std::byte> packet) {
  advance(now);
  if (closed_ || entries_.empty()) return;
  if (const auto query = parse_query(packet, most_in_packet)) {
    take_query(*query);
  } else if (const auto records = parse_response(packet, most_in_packet)) {
    take_response(*records);
  } else {
    ++packets_ignored_;
  }
}

void Responder::handle_legacy_packet(TimePoint now, std::span<const std::byte> packet, const Endpoint& from) {
  advance(now);
  if (closed_ || entries_.empty()) return;
  const auto query = parse_query(packet, most_in_packet);
  // Plain resolvers ask one question.
  if (!query || query->questions.size() != 1 || !query->proposed.empty()) {
    ++packets_ignored_;
    return;
  }
  const Question& question = query->questions.front();
  const Entry* const entry = find(question.name);
  if (entry == nullptr) return;
  std::array<std::byte, max_packet> buffer{};
  packets_.push(std::span{buffer}.first(write_legacy_response(buffer, query->id, question.wanted, entry->record)),
                from);
}

void Responder::take_query(const Query& query) {
  for (const AddressRecord& proposed : query.proposed) {
    Entry* const entry = find(proposed.name);
    // RFC 6762 section 8.2: two that probe at the same time. Deviation: not the one with the lesser record yields but
    // we do, as another random name costs nothing. Our own probes come back to us.
    if (entry != nullptr && entry->said <= probes && proposed.address != entry->record.address) lose(*entry);
  }
  std::vector<Entry*> asked;
  for (const Question& question : query.questions) {
    Entry* const entry = find(question.name);
    if (entry == nullptr) continue;
    const AddressRecord& own = entry->record;
    // What comes back from our own group is our probe, which needs no answer.
    const auto ours = [&](const AddressRecord& r) { return r.name == own.name && r.address == own.address; };
    if (std::ranges::any_of(query.proposed, ours)) continue;
    // RFC 6762 section 7.1: who knows it, and will for long enough, needs no answer.
    const auto known = [&](const AddressRecord& r) { return ours(r) && r.ttl >= own.ttl / 2; };
    if (std::ranges::any_of(query.known, known)) continue;
    if (entry->answer_at == never) {
      entry->wanted = question.wanted;
      entry->answer_at = entry->answered ? std::max(now_, *entry->answered + least_pause) : now_;
      asked.push_back(entry);
    } else if (entry->wanted != question.wanted) {
      entry->wanted = Wanted::Any;
    }
  }
  for (Entry* const entry : asked) {
    if (entry->answer_at <= now_)
      answer(*entry);
    else
      schedule(*entry);
  }
}

void Responder::take_response(std::span<const AddressRecord> records) {
  for (const AddressRecord& record : records) {
    // RFC 6762 section 9. Our own announcements come back to us.
    Entry* const entry = find(record.name);
    if (entry != nullptr && record.address != entry->record.address) lose(*entry);
  }
}

// --- What goes out -----------------------------------------------------------------------------------------------

std::size_t Responder::poll_packet(TimePoint now, std::span<std::byte> out, std::optional<Endpoint>& to) {
  advance(now);
  return packets_.poll(out, to);
}

void Responder::handle_timeout(TimePoint now) {
  advance(now);
  while (!due_.empty() && due_.begin()->at <= now_) {
    Entry& entry = *due_.begin()->entry;
    if (entry.next <= now_) say(entry);
    if (entry.answer_at <= now_) answer(entry);
  }
}

}  // namespace linnet::mdns
