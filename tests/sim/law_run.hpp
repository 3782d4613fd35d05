#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "sim/pair.hpp"
#include "sim/random.hpp"

namespace linnet::sim {

/// What a machine supplies to be held to the seven laws: two of them that can talk to each other.
///
///   using Machine = ...;                       // a PipeMachine; sim::AsPipe makes one of a path machine
///   explicit Fixture(Generator&);              // two fresh machines, random only from here
///   Machine& machine(Side);
///   void start(TimePoint now);                 // both begin
///   bool ready();                              // both are connected
///   void act(TimePoint now, Side, Generator&); // one verb or pull, any, also before start and after close
///   void close(TimePoint now, Side);           // may be called twice
///
/// and, if it likes:
///   void on_event(TimePoint now, Side, Machine::Event&);       // answers wishes
///   void on_payload(TimePoint now, Side, PAYLOAD);             // what handle_packet returned
///   void repair(std::span<std::byte> packet);                  // makes checksums right after a mutation
///   static constexpr Duration ready_limit, close_limit;        // 60 s, 600 s of simulated time
///   static constexpr std::int64_t memory_limit;                // bytes that an attack may bind: 1 MiB
///   static constexpr std::size_t hostile_inputs;               // of one run: 100'000
///   static constexpr bool checksummed = true;                  // flipped bits are found below it: they are losses
///   static constexpr bool reliable = true;                     // what is below it loses nothing: paths are good
///   static constexpr std::uint64_t law_seeds;                  // 10
template <class F>
concept LawFixture = requires(F f, Generator& random, TimePoint now, Side side) {
  requires PipeMachine<typename F::Machine>;
  requires std::constructible_from<F, Generator&>;
  { f.machine(side) } -> std::same_as<typename F::Machine&>;
  f.start(now);
  { f.ready() } -> std::convertible_to<bool>;
  f.act(now, side, random);
  f.close(now, side);
};

/// One life of a fixture, decided by its seed alone: path, verbs, their moments. Remembers a digest of
/// each packet and event, in order.
template <LawFixture F>
class LawRun {
 public:
  using M = typename F::Machine;

  LawRun(std::uint64_t seed, const PairOptions& path)
      : machine_random_(seed),
        link_random_(seed ^ 0x6c69'6e6b),
        verb_random_(seed ^ 0x7665'7262),
        fixture(machine_random_),
        pair(fixture.machine(Side::A), fixture.machine(Side::B), link_random_, path) {
    pair.on_event = [this](Side side, typename M::Event& event) { take(side, event); };
    pair.on_payload = [this](Side side, typename Pair<M>::Payload payload) {
      (void)this;  // clang: not every fixture has use for it
      if constexpr (requires { fixture.on_payload(TimePoint{}, side, payload); }) {
        fixture.on_payload(told(side), side, payload);
      }
    };
    pair.on_sent = [this](Side side, std::span<const std::byte> bytes) {
      note(digest(bytes) ^ (static_cast<std::uint64_t>(side) + 1));
      auto& kept = captured[static_cast<std::size_t>(side)];
      if (kept.size() < max_captured) kept.emplace_back(bytes.begin(), bytes.end());
    };
  }

  /// Feeds an event to the fixture and the digest. For those who poll a machine themselves.
  void take(Side side, typename M::Event& event) {
    if constexpr (requires { event.index(); }) note(0x6576'0000 + event.index());
    if constexpr (requires { fixture.on_event(TimePoint{}, side, event); }) {
      fixture.on_event(told(side), side, event);
    }
  }

  void start() { fixture.start(pair.now()); }
  void act() {
    const Side side = chance(verb_random_, 0.5) ? Side::A : Side::B;
    fixture.act(told(side), side, verb_random_);
  }
  /// Lets up to `bound` pass, drawn.
  Stop wait(Duration bound) { return pair.run_for(up_to(verb_random_, bound)); }
  /// Verbs for a while, then the end. StepLimit is the only failure.
  Stop whole_life() {
    start();
    for (int i = 0; i < 100; ++i) {
      if (wait(std::chrono::milliseconds{400}) == Stop::StepLimit) return Stop::StepLimit;
      act();
    }
    close(Side::A);
    if (wait(std::chrono::milliseconds{400}) == Stop::StepLimit) return Stop::StepLimit;
    close(Side::B);
    return pair.run_for(std::chrono::seconds{60});
  }
  void close(Side side) { fixture.close(told(side), side); }

  [[nodiscard]] Generator& verb_random() noexcept { return verb_random_; }
  [[nodiscard]] const std::vector<std::uint64_t>& trace() const noexcept { return trace_; }

 private:
  SeededGenerator machine_random_;
  SeededGenerator link_random_;
  SeededGenerator verb_random_;

 public:
  F fixture;
  Pair<M> pair;
  /// Off while memory is watched: the trace grows.
  bool recording = true;
  /// The first packets that each side sent.
  std::vector<std::vector<std::byte>> captured[2];

 private:
  static constexpr std::size_t max_captured = 256;

  [[nodiscard]] TimePoint told(Side side) { return pair.clock ? pair.clock(side, pair.now()) : pair.now(); }
  void note(std::uint64_t value) {
    if (!recording) return;
    trace_.push_back(value * 31 + static_cast<std::uint64_t>(pair.now().time_since_epoch().count()));
  }
  [[nodiscard]] static std::uint64_t digest(std::span<const std::byte> bytes) noexcept {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;  // FNV-1a
    for (const std::byte byte : bytes) hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x0000'0100'0000'01b3;
    return hash;
  }

  std::vector<std::uint64_t> trace_;
};

}  // namespace linnet::sim
