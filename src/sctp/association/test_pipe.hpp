#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "linnet/core/generator.hpp"
#include "sctp/association/association.hpp"

namespace linnet::sctp::testing {

using namespace std::chrono_literals;

/// Two associations and a path between them on a virtual clock; for the tests of this module only.
struct Faults {
  double loss = 0;
  double duplicate = 0;
  double corrupt = 0;
  Duration delay = 10ms;
  Duration jitter = 0ms;  // packets overtake one another within it
};

struct Peer {
  Peer(Options options, Generator& generator) : association(options, generator) {}
  Association association;
  std::vector<Event> events;
  std::vector<Message> messages;
  bool reading = true;

  template <class E>
  [[nodiscard]] std::size_t count() const {
    std::size_t n = 0;
    for (const Event& event : events) n += std::holds_alternative<E>(event) ? 1U : 0U;
    return n;
  }
  template <class E>
  [[nodiscard]] const E* last() const {
    for (auto event = events.rbegin(); event != events.rend(); ++event)
      if (const E* found = std::get_if<E>(&*event)) return found;
    return nullptr;
  }
};

class Pipe {
 public:
  explicit Pipe(std::uint64_t seed = 1, Faults with = {}, Options options_a = {}, Options options_b = {})
      : faults(with), generator_(seed), a(options_a, generator_), b(options_b, generator_) {}

  void pump() {
    for (Peer* peer : {&a, &b}) {
      collect(*peer);
      std::array<std::byte, 16'384> out;
      while (const std::size_t size = peer->association.poll_packet(now, out))
        send(*peer, {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)});
      collect(*peer);
    }
  }
  void collect(Peer& peer) {
    while (auto event = peer.association.poll_event()) {
      if (const auto* ready = std::get_if<MessageReady>(&*event); ready != nullptr && peer.reading)
        read(peer, ready->stream);
      peer.events.push_back(std::move(*event));
    }
  }
  void read(Peer& peer, StreamId stream) {
    while (auto message = peer.association.receive(stream)) peer.messages.push_back(std::move(*message));
  }
  /// Until `done` or `limit` passed; whether it was done.
  bool run(const std::function<bool()>& done, Duration limit = 120s) {
    const TimePoint end = now + limit;
    pump();
    while (!done()) {
      const TimePoint next = std::min(
          {a.association.next_timeout(), b.association.next_timeout(), flying.empty() ? never : flying.begin()->first});
      if (next == never || next > end) return false;
      now = std::max(now, next);
      while (!flying.empty() && flying.begin()->first <= now) {
        auto node = flying.extract(flying.begin());
        node.mapped().first->association.handle_packet(now, node.mapped().second);
      }
      for (Peer* peer : {&a, &b})
        if (peer->association.next_timeout() <= now) peer->association.handle_timeout(now);
      pump();
    }
    return true;
  }
  void run_for(Duration time) {
    const TimePoint end = now + time;
    (void)run([] { return false; }, time);
    now = end;
  }
  bool connect(Duration limit = 60s) {
    a.association.connect(now);
    b.association.connect(now);
    return run([&] { return a.count<Connected>() == 1 && b.count<Connected>() == 1; }, limit);
  }

  TimePoint now{1s};
  Faults faults;
  /// Sees every packet; false loses it.
  std::function<bool(const Peer& from, std::vector<std::byte>& packet)> filter;
  std::multimap<TimePoint, std::pair<Peer*, std::vector<std::byte>>> flying;
  std::size_t sent = 0;

 private:
  bool chance(double p) { return p > 0 && static_cast<double>(generator_.below(1'000'000)) < p * 1e6; }
  void send(Peer& from, std::vector<std::byte> packet) {
    ++sent;
    if (filter && !filter(from, packet)) return;
    if (chance(faults.loss)) return;
    Peer* const to = &from == &a ? &b : &a;
    const int copies = chance(faults.duplicate) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      auto copy = packet;
      if (chance(faults.corrupt))
        copy[generator_.below(copy.size())] ^= static_cast<std::byte>(1 + generator_.below(255));
      const Duration late = faults.jitter == 0ms
                                ? Duration{}
                                : Duration{generator_.below(static_cast<std::uint64_t>(faults.jitter.count()))};
      flying.emplace(now + faults.delay + late, std::pair{to, std::move(copy)});
    }
  }
  SeededGenerator generator_;

 public:
  Peer a;
  Peer b;
};

/// A message whose bytes tell its number, so that any mix-up shows.
inline std::vector<std::byte> numbered(std::uint32_t number, std::size_t size) {
  std::vector<std::byte> bytes(size);
  std::uint32_t state = number * 2654435761U + 1;
  for (std::byte& b : bytes) {
    state = state * 1664525U + 1013904223U;
    b = static_cast<std::byte>(state >> 24U);
  }
  return bytes;
}

}  // namespace linnet::sctp::testing
