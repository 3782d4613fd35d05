#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/machine.hpp"
#include "sim/link.hpp"
#include "sim/random.hpp"

namespace linnet::sim {

enum class Side : std::uint8_t { A, B };
[[nodiscard]] constexpr Side other(Side side) noexcept { return side == Side::A ? Side::B : Side::A; }

/// Why a run came to its end.
enum class Stop : std::uint8_t {
  Done,       ///< What was waited for happened.
  Idle,       ///< Nothing is in flight and no machine wants to be woken.
  TimeLimit,  ///< The simulated time is used up.
  StepLimit,  ///< A machine keeps itself busy for ever: always a bug.
};

struct PairOptions {
  LinkOptions a_to_b;
  LinkOptions b_to_a;
  /// The `out` span given to poll_packet.
  std::size_t packet_room = 2'048;
  /// No seed may hang: steps of one run call, of one instant, and packets polled in one go.
  std::uint64_t max_steps = 20'000'000;
  std::uint64_t max_steps_per_instant = 20'000;
  std::uint64_t max_packets_per_poll = 100'000;
};

/// The same path in both directions.
[[nodiscard]] inline PairOptions both_ways(LinkOptions link) { return {.a_to_b = link, .b_to_a = link}; }

/// Drives two machines through two links on a virtual clock. The test owns the machines and calls their
/// verbs with `now()`, then lets time pass with a run function. Not a machine's only user: a test may poll
/// or feed a machine itself between two runs.
///
///   SeededGenerator random{seed};
///   sim::Pair pair{a, b, random, sim::both_ways({.loss = 0.1})};
///   a.connect(pair.now());
///   EXPECT_EQ(pair.run_until([&] { return a.connected(); }, 10s), sim::Stop::Done);
template <PipeMachine M>
class Pair {
 public:
  using Event = typename M::Event;
  using Handled = decltype(std::declval<M&>().handle_packet(TimePoint{}, std::span<std::byte>{}));
  using Payload = std::conditional_t<std::is_void_v<Handled>, std::monostate, Handled>;

  Pair(M& a, M& b, Generator& generator, PairOptions options = {})
      : options_(std::move(options)),
        machines_{&a, &b},
        links_{Link{options_.a_to_b, generator}, Link{options_.b_to_a, generator}},
        room_(options_.packet_room) {}
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  // Hooks. All may stay empty.
  std::function<void()> before_step;                              ///< Before time moves.
  std::function<void(Side, Event&)> on_event;                     ///< Of the machine on that side.
  std::function<void(Side, Payload)> on_payload;                  ///< What handle_packet returned.
  std::function<void(Side, std::span<const std::byte>)> on_sent;  ///< That side put this on its link.
  std::function<bool(Side, std::span<std::byte>)> filter;         ///< false: that side's packet is lost.

  /// What time the machine of that side is told; the virtual one without it. For tests of wrong clocks.
  std::function<TimePoint(Side, TimePoint)> clock;

  [[nodiscard]] TimePoint now() const noexcept { return now_; }
  [[nodiscard]] M& machine(Side side) noexcept { return *machines_[index(side)]; }
  /// The link that leads away from `from`.
  [[nodiscard]] Link& link(Side from) noexcept { return links_[index(from)]; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

  /// Runs until `done()` holds, looked at after each step.
  template <class Done>
  [[nodiscard]] Stop run_until(Done&& done, Duration limit) {
    const TimePoint end = now_ + limit;
    const std::uint64_t last_step = steps_ + options_.max_steps;
    if (!pump()) return Stop::StepLimit;
    while (!done()) {
      const TimePoint next = next_instant();
      if (next == never) return Stop::Idle;
      if (next > end) {
        now_ = end;
        return Stop::TimeLimit;
      }
      if (!step(next) || steps_ > last_step) return Stop::StepLimit;
    }
    return Stop::Done;
  }
  /// Runs for that long; the clock arrives there even when both are idle. StepLimit is the only failure.
  Stop run_for(Duration time) {
    const TimePoint end = now_ + time;
    const Stop stop = run_until([] { return false; }, time);
    if (stop != Stop::StepLimit) now_ = end;
    return stop;
  }
  /// Runs until nothing is left to do (Idle).
  [[nodiscard]] Stop settle(Duration limit) {
    return run_until([] { return false; }, limit);
  }

  /// Takes all output of both machines. false: it never ends.
  bool pump() {
    std::uint64_t budget = options_.max_packets_per_poll;
    // Again after output: a hook may have fed the other machine (signaling does).
    for (bool again = true; again;) {
      again = false;
      for (const Side side : {Side::A, Side::B}) {
        const std::uint64_t before = budget;
        if (!pump(side, budget)) return false;
        again = again || budget != before;
      }
    }
    return true;
  }

  /// When something happens next: an arrival or a timeout.
  [[nodiscard]] TimePoint next_instant() const noexcept {
    return std::min(std::min(machines_[0]->next_timeout(), machines_[1]->next_timeout()),
                    std::min(links_[0].next_arrival(), links_[1].next_arrival()));
  }

 private:
  static constexpr std::size_t index(Side side) noexcept { return static_cast<std::size_t>(side); }

  TimePoint told(Side side) { return clock ? clock(side, now_) : now_; }

  bool step(TimePoint next) {
    if (before_step) before_step();
    ++steps_;
    if (next > now_) {
      now_ = next;
      steps_now_ = 0;
    } else if (++steps_now_ > options_.max_steps_per_instant) {
      return false;
    }
    for (const Side side : {Side::A, Side::B}) {
      M& machine = *machines_[index(side)];
      Link& incoming = links_[index(other(side))];
      while (incoming.receive(now_, packet_)) {
        if constexpr (requires { machine.handle_packet(told(side), std::span{packet_.bytes}, packet_.ecn); }) {
          machine.handle_packet(told(side), std::span{packet_.bytes}, packet_.ecn);
        } else if constexpr (std::is_void_v<Handled>) {
          machine.handle_packet(told(side), std::span{packet_.bytes});
        } else {
          auto&& payload = machine.handle_packet(told(side), std::span{packet_.bytes});
          if (on_payload) on_payload(side, payload);
        }
      }
      if (machine.next_timeout() <= now_) machine.handle_timeout(now_);
    }
    return pump();
  }

  // Counts what it takes off the budget.
  bool pump(Side side, std::uint64_t& budget) {
    M& machine = *machines_[index(side)];
    while (auto event = machine.poll_event()) {
      if (budget-- == 0) return false;
      if (on_event) on_event(side, *event);
    }
    while (const std::size_t size = machine.poll_packet(told(side), std::span{room_})) {
      if (budget-- == 0) return false;
      const auto bytes = std::span{room_}.first(size);
      if (on_sent) on_sent(side, bytes);
      Ecn ecn = Ecn::NotEct;
      if constexpr (requires { machine.ecn(); }) ecn = machine.ecn();
      if (!filter || filter(side, bytes)) links_[index(side)].send(now_, bytes, ecn);
    }
    return true;
  }

  PairOptions options_;
  std::array<M*, 2> machines_;
  std::array<Link, 2> links_;
  std::vector<std::byte> room_;
  Packet packet_;
  TimePoint now_ = start;
  std::uint64_t steps_ = 0;
  std::uint64_t steps_now_ = 0;
};

}  // namespace linnet::sim
