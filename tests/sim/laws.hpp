#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/allocations.hpp"
#include "sim/hostile.hpp"
#include "sim/law_run.hpp"
#include "sim/mutation.hpp"

// The seven laws of ARCHITECTURE.md, as checks that return what they found. sim/laws_suite.hpp makes a
// GoogleTest suite of them; a fuzz target may call them too.
namespace linnet::sim {

enum class Law : std::uint8_t {
  Deterministic = 1,
  Closed,
  AnyOrder,
  TimeIsClamped,
  TimeoutsAdvance,
  SilentAfterClose,
  Bounded,
};

inline constexpr std::array all_laws{Law::Deterministic,   Law::Closed,           Law::AnyOrder, Law::TimeIsClamped,
                                     Law::TimeoutsAdvance, Law::SilentAfterClose, Law::Bounded};

/// What breaks a law, in words; empty when it holds.
using Violations = std::vector<std::string>;

template <LawFixture F>
class Laws {
 public:
  [[nodiscard]] static Violations check(Law law, std::uint64_t seed) {
    Laws laws{seed};
    switch (law) {
      case Law::Deterministic: laws.deterministic(); break;
      case Law::Closed: laws.closed(); break;
      case Law::AnyOrder: laws.any_order(); break;
      case Law::TimeIsClamped: laws.time_is_clamped(); break;
      case Law::TimeoutsAdvance: laws.timeouts_advance(); break;
      case Law::SilentAfterClose: laws.silent_after_close(); break;
      case Law::Bounded: laws.bounded(); break;
    }
    return std::move(laws.violations_);
  }

 private:
  using Run = LawRun<F>;
  using M = typename F::Machine;
  /// More at once is without end.
  static constexpr std::size_t max_output = 20'000;
  static constexpr std::array sides{Side::A, Side::B};

  explicit Laws(std::uint64_t seed) : seed_(seed) {
    SeededGenerator random{seed ^ 0x7061'7468};
    // Half of the seeds on bad paths.
    path_ = both_ways(seed % 2 == 0 ? hostile(random) : friendly(random));
    if constexpr (requires { F::checksummed; }) {
      for (LinkOptions* link : {&path_.a_to_b, &path_.b_to_a}) link->loss += std::exchange(link->corrupt, 0);
    }
    if constexpr (requires { requires F::reliable; }) path_ = both_ways({});
    path_.max_steps_per_instant = 1'000;
    path_.max_packets_per_poll = max_output;
  }

  // Two lives of one seed. The first is still there when the second begins, so that neither its addresses
  // nor its place in the heap are the same.
  void deterministic() {
    Run first{seed_, path_};
    live(first);
    Run second{seed_, path_};
    live(second);
    compare(first, second, "a second run with the same seed differs");
  }

  // Another pair lives at the same time, in turns: whatever the two share shows up as a difference.
  void closed() {
    Run alone{seed_, path_};
    live(alone);
    Run stranger{seed_ + 1'000'003, path_};
    Run watched{seed_, path_};
    int step = 0;
    watched.pair.before_step = [&] {
      if (step == 0)
        stranger.start();
      else if (step % 2 == 0)
        stranger.act();
      ++step;
      (void)stranger.wait(std::chrono::milliseconds{50});
    };
    live(watched);
    compare(alone, watched, "a run beside another pair differs from the same run alone");
  }

  void any_order() {
    poll_twice();
    poll_seldom();
  }

  void poll_twice() {
    Run once{seed_, path_};
    live(once);
    Run twice{seed_, path_};
    twice.pair.before_step = [&] {
      for (const Side side : sides) {
        (void)twice.fixture.machine(side).next_timeout();
        if (speaks(twice, side, twice.pair.now())) violated("polling a drained machine gave something new" + spoken_);
      }
    };
    live(twice);
    compare(once, twice, "polling more often changes the run");
  }

  // Inputs without polling: each output is taken late and in another order. On a good path it must get ready.
  void poll_seldom() {
    PairOptions good = both_ways({});
    Run run{seed_, good};
    SeededGenerator random{seed_ ^ 0x706f'6c6c};
    Link links[2] = {Link{{}, random}, Link{{}, random}};
    std::vector<std::byte> room(good.packet_room);
    Packet packet;
    const double often = 0.02 + 0.5 * static_cast<double>(random.below(100)) / 100;
    TimePoint now = start;
    run.fixture.start(now);
    const TimePoint end = now + ready_limit() * 3;
    while (!run.fixture.ready()) {
      if (now > end) return violated("not ready in time when polled seldom");
      now += std::chrono::milliseconds{1} + up_to(random, std::chrono::milliseconds{9});
      for (const Side side : sides) {
        M& machine = run.fixture.machine(side);
        Link& incoming = links[side == Side::A ? 1 : 0];
        while (incoming.receive(now, packet)) {
          handle(run, side, now, packet.bytes);
        }
        if (machine.next_timeout() <= now) machine.handle_timeout(now);
        if (chance(random, often)) {
          while (auto event = machine.poll_event()) run.take(side, *event);
        }
        if (chance(random, often)) {
          for (std::size_t i = 0; i < 10'000; ++i) {
            const std::size_t size = machine.poll_packet(now, std::span{room});
            if (size == 0) break;
            links[static_cast<std::size_t>(side)].send(now, std::span{room}.first(size));
          }
        }
      }
    }
  }

  // The machines are told the right time first, then an older one with each input and each poll: that must
  // be as if it were the right one. A due-less handle_timeout must not matter either.
  void time_is_clamped() {
    Run right{seed_, path_};
    // Both machines: a verb may signal to the other one.
    right.pair.clock = [&](Side, TimePoint now) {
      for (const Side side : sides) right.fixture.machine(side).handle_timeout(now);
      return now;
    };
    live(right);
    Run wrong{seed_, path_};
    SeededGenerator random{seed_ ^ 0x636c'6f63};
    const auto older = [&](TimePoint now) {
      switch (random.below(4)) {
        case 0: return TimePoint{};
        case 1: return now - up_to(random, std::chrono::milliseconds{1});
        case 2: return now - up_to(random, std::chrono::minutes{30});
        default: return now;
      }
    };
    wrong.pair.clock = [&](Side, TimePoint now) {
      for (const Side side : sides) wrong.fixture.machine(side).handle_timeout(now);
      return older(now);
    };
    wrong.pair.before_step = [&] {
      for (const Side side : sides) {
        M& machine = wrong.fixture.machine(side);
        const TimePoint before = machine.next_timeout();
        machine.handle_timeout(older(wrong.pair.now()));
        if (machine.next_timeout() != before) violated("handle_timeout with an older time moved next_timeout");
      }
    };
    live(wrong);
    compare(right, wrong, "an older time makes a difference");
  }

  void timeouts_advance() {
    Run run{seed_, path_};
    live(run);
    // Alone in the world, at each of its ages: timers only.
    for (const int age : {0, 1, 2, 3}) {
      Run lonely{seed_, path_};
      grow(lonely, age);
      TimePoint now = lonely.pair.now();
      for (const Side side : sides) fire_timers(lonely, side, now, age);
    }
  }

  void fire_timers(Run& run, Side side, TimePoint now, int age) {
    constexpr int firings = 5'000;
    constexpr int patience = 100;
    M& machine = run.fixture.machine(side);
    const std::string where = " at age " + std::to_string(age);
    if (!drain(run, side, now)) return violated("output never ends" + where);
    for (int i = 0; i < firings && machine.next_timeout() != never; ++i) {
      // Sometimes late, like the timers of a busy computer; once by an hour.
      now = std::max(now, machine.next_timeout());
      if (i % 7 == 3) now += std::chrono::milliseconds{15};
      if (i == 40) now += std::chrono::hours{1};
      int tries = 0;
      do {
        machine.handle_timeout(now);
        if (!drain(run, side, now)) return violated("output never ends" + where);
      } while (machine.next_timeout() <= now && ++tries < patience);
      if (tries == patience) return violated("next_timeout does not advance after handle_timeout" + where);
    }
  }

  void silent_after_close() {
    for (const int age : {0, 1, 2}) {
      for (const bool deaf : {false, true}) {
        Run run{seed_, path_};
        grow(run, age);
        const std::string where =
            std::string{deaf ? " (peer out of reach)" : ""} + " when closed at age " + std::to_string(age);
        if (deaf) run.pair.filter = [](Side, std::span<std::byte>) { return false; };
        run.close(Side::A);
        if (age != 0 && !deaf && chance(run.verb_random(), 0.5)) run.close(Side::B);
        if (run.pair.run_for(close_limit()) == Stop::StepLimit) return violated("never at rest" + where);
        expect_silence(run, where);
      }
    }
  }

  void expect_silence(Run& run, const std::string& where) {
    M& machine = run.fixture.machine(Side::A);
    TimePoint now = run.pair.now();
    if (machine.next_timeout() != never) violated("a timer runs after close" + where);
    if (speaks(run, Side::A, now)) violated("output after close" + spoken_ + where);
    const auto packets = run.captured[1];
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i < 200; ++i) {
      now += std::chrono::milliseconds{100};
      if (!packets.empty()) {
        bytes = packets[i % packets.size()];
        handle(run, Side::A, now, bytes);
      }
      if (i % 3 == 0) machine.handle_timeout(now);
      if (i % 5 == 0) run.fixture.act(now, Side::A, run.verb_random());
      if (i % 50 == 0) run.fixture.close(now, Side::A);
      if (machine.next_timeout() != never) return violated("an input after close starts a timer" + where);
      if (speaks(run, Side::A, now)) return violated("an input after close makes output" + spoken_ + where);
    }
  }

  // Hostile input at each age, drained and undrained; live memory must stay below the fixture's limit.
  void bounded() {
    constexpr int ages = 4;
    for (int age = 0; age < ages; ++age) {
      Run run{seed_, path_};
      grow(run, age);
      if (age == 0) {  // What a packet to a machine that has not begun looks like: take it from another pair.
        Run model{seed_, path_};
        grow(model, 2);
        run.captured[1] = model.captured[1];
      }
      attack(run, hostile_inputs() / ages, (seed_ + static_cast<std::uint64_t>(age)) % 2 == 0, age);
    }
  }

  void attack(Run& run, std::size_t inputs, bool polled, int age) {
    SeededGenerator random{seed_ ^ 0x6576'696c};
    Mutator mutator{run.captured[1], random};
    M& machine = run.fixture.machine(Side::A);
    TimePoint now = run.pair.now();
    run.recording = false;
    (void)drain(run, Side::A, now);
    const std::string where = (polled ? " while polled, at age " : " while not polled, at age ") + std::to_string(age);
    const std::int64_t live_before = live_bytes();
    const std::int64_t heap_before = heap_bytes();
    for (std::size_t i = 1; i <= inputs; ++i) {
      auto& bytes = mutator.next();
      if constexpr (requires { run.fixture.repair(std::span<std::byte>{}); }) {
        if (chance(random, 0.9)) run.fixture.repair(std::span{bytes});
      }
      handle(run, Side::A, now, bytes);
      if (i % 4 == 0) {
        now += up_to(random, std::chrono::milliseconds{20});
        if (machine.next_timeout() <= now) machine.handle_timeout(now);
        if (polled && !drain(run, Side::A, now)) return violated("output never ends" + where);
      }
      if (i % 256 == 0 && live_bytes() - live_before > memory_limit()) {
        return violated("binds " + std::to_string(live_bytes() - live_before) + " bytes after " + std::to_string(i) +
                        " hostile inputs" + where);
      }
    }
    // Malloc's own view, which sees C libraries too. Coarse: the mutator's and the test's own are in it.
    if (heap_bytes() - heap_before > memory_limit() + (std::int64_t{1} << 20)) {
      violated("binds " + std::to_string(heap_bytes() - heap_before) + " bytes of malloc" + where);
    }
  }

  // Common parts.

  /// Age 0: fresh; 1: in the middle of connecting; 2: ready and used; 3: closed.
  void grow(Run& run, int age) {
    if (age == 0) return;
    run.start();
    if (age == 1) {
      (void)run.wait(std::chrono::milliseconds{300});
      return;
    }
    if (run.pair.run_until([&] { return run.fixture.ready(); }, ready_limit()) != Stop::Done) {
      violated("the pair did not get ready");
    }
    for (int i = 0; i < 20; ++i) {
      run.act();
      (void)run.wait(std::chrono::milliseconds{100});
    }
    if (age == 3) {
      run.close(Side::A);
      (void)run.pair.run_for(std::chrono::seconds{1});
    }
  }

  void live(Run& run) {
    if (run.whole_life() == Stop::StepLimit) violated("keeps itself busy: time stands still or output never ends");
  }

  void compare(const Run& a, const Run& b, std::string_view what) {
    if (a.trace() == b.trace()) return;
    const auto [at, other] = std::ranges::mismatch(a.trace(), b.trace());
    violated(std::string{what} + ", first in output " + std::to_string(at - a.trace().begin()) + " of " +
             std::to_string(a.trace().size()));
  }

  /// Whether a poll gives anything. The event or packet is gone then.
  bool speaks(Run& run, Side side, TimePoint now) {
    M& machine = run.fixture.machine(side);
    room_.resize(65'536);
    if (const auto event = machine.poll_event()) {
      spoken_ = " (an event";
      if constexpr (requires { event->index(); }) spoken_ += ", alternative " + std::to_string(event->index());
      spoken_ += ")";
      return true;
    }
    const std::size_t size = machine.poll_packet(now, std::span{room_});
    spoken_ = " (a packet of " + std::to_string(size) + " bytes)";
    return size != 0;
  }

  /// Takes all output and throws the packets away. false: there is no end of it.
  bool drain(Run& run, Side side, TimePoint now) {
    M& machine = run.fixture.machine(side);
    room_.resize(65'536);
    for (std::size_t budget = max_output; budget > 0; --budget) {
      if (auto event = machine.poll_event()) {
        run.take(side, *event);
        continue;
      }
      if (machine.poll_packet(now, std::span{room_}) == 0) return true;
    }
    return false;
  }

  void handle(Run& run, Side side, TimePoint now, std::span<std::byte> bytes) {
    M& machine = run.fixture.machine(side);
    if constexpr (requires { run.fixture.on_payload(now, side, machine.handle_packet(now, bytes)); }) {
      run.fixture.on_payload(now, side, machine.handle_packet(now, bytes));
    } else {
      (void)machine.handle_packet(now, bytes);
    }
  }

  static constexpr Duration ready_limit() {
    if constexpr (requires { F::ready_limit; })
      return F::ready_limit;
    else
      return std::chrono::seconds{60};
  }
  static constexpr Duration close_limit() {
    if constexpr (requires { F::close_limit; })
      return F::close_limit;
    else
      return std::chrono::seconds{600};
  }
  static constexpr std::int64_t memory_limit() {
    if constexpr (requires { F::memory_limit; })
      return F::memory_limit;
    else
      return std::int64_t{1} << 20;
  }
  static constexpr std::size_t hostile_inputs() {
    if constexpr (requires { F::hostile_inputs; })
      return F::hostile_inputs;
    else
      return 100'000;
  }

  void violated(std::string what) {
    if (violations_.size() < 20 && std::ranges::find(violations_, what) == violations_.end()) {
      violations_.push_back(std::move(what));
    }
  }

  std::uint64_t seed_;
  PairOptions path_;
  Violations violations_;
  std::vector<std::byte> room_;
  std::string spoken_;  ///< What `speaks` heard last.
};

/// How machine fixture `F` breaks `law` with that seed.
template <LawFixture F>
[[nodiscard]] Violations check_law(Law law, std::uint64_t seed) {
  return Laws<F>::check(law, seed);
}

}  // namespace linnet::sim
