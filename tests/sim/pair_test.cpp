#include "sim/pair.hpp"

#include <gtest/gtest.h>

#include "sim/as_pipe.hpp"
#include "sim/hostile.hpp"
#include "sim/seed_trace.hpp"
#include "sim/toy.hpp"
#include "sim/world.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

// The toy with an address: the smallest path machine.
class PathToy {
 public:
  using Event = Toy::Event;
  PathToy(Generator& random, const Path& path, Defect defect = Defect::None) : toy_(defect, random), path_(path) {}
  Toy& toy() { return toy_; }
  void handle_timeout(TimePoint now) { toy_.handle_timeout(now); }
  [[nodiscard]] TimePoint next_timeout() const noexcept { return toy_.next_timeout(); }
  [[nodiscard]] std::optional<Event> poll_event() { return toy_.poll_event(); }
  void handle_datagram(const Datagram& datagram) {
    if (datagram.path.remote.address == path_.remote.address) toy_.handle_packet(datagram.at, datagram.bytes);
  }
  Progress poll_transmit(TimePoint now, DatagramBatch& batch) {
    for (;;) {
      const auto out = batch.begin(path_, Ecn::NotEct);
      if (out.empty()) return Progress::More;
      const std::size_t size = toy_.poll_packet(now, out);
      batch.commit(size);
      if (size == 0) return Progress::Done;
    }
  }

 private:
  Toy toy_;
  Path path_;
};
static_assert(PathMachine<PathToy>);

const Endpoint at_a{.address = IpAddress::v4({203, 0, 113, 1}), .port = 1'000};
const Endpoint at_b{.address = IpAddress::v4({203, 0, 113, 2}), .port = 1'000};

TEST(Pair, ConnectsTwoMachinesOnHostilePaths) {
  for (const std::uint64_t seed : seeds(200)) {
    const SeedTrace trace{seed};
    SeededGenerator random{seed};
    Toy a{Defect::None, random};
    Toy b{Defect::None, random};
    Pair pair{a, b, random, both_ways(hostile(random))};
    a.start(pair.now());
    b.start(pair.now());
    EXPECT_EQ(pair.run_until([&] { return a.connected() && b.connected(); }, 60s), Stop::Done);
    EXPECT_EQ(pair.settle(60s), Stop::Idle);
  }
}

TEST(Pair, TellsTimeEventsAndPackets) {
  SeededGenerator random{1};
  Toy a{Defect::None, random};
  Toy b{Defect::None, random};
  Pair pair{a, b, random, both_ways({.latency = 25ms})};
  std::vector<std::pair<Side, TimePoint>> connected;
  std::size_t packets = 0;
  std::size_t steps = 0;
  pair.on_event = [&](Side side, Toy::Event&) { connected.emplace_back(side, pair.now()); };
  pair.on_sent = [&](Side, std::span<const std::byte> bytes) {
    EXPECT_EQ(bytes.size(), Toy::packet_size);
    ++packets;
  };
  pair.before_step = [&] { ++steps; };
  a.start(pair.now());
  b.start(pair.now());
  EXPECT_EQ(pair.settle(10s), Stop::Idle);
  EXPECT_EQ(connected, (std::vector<std::pair<Side, TimePoint>>{{Side::A, start + 50ms}, {Side::B, start + 50ms}}));
  EXPECT_EQ(packets, 4u);
  EXPECT_EQ(steps, pair.steps());
  EXPECT_EQ(pair.link(Side::A).stats().delivered, 2u);
}

TEST(Pair, LosesWhatTheFilterRefuses) {
  SeededGenerator random{1};
  Toy a{Defect::None, random};
  Toy b{Defect::None, random};
  Pair pair{a, b, random};
  int dropped = 0;
  pair.filter = [&](Side, std::span<std::byte>) { return ++dropped > 3; };
  a.start(pair.now());
  b.start(pair.now());
  EXPECT_EQ(pair.run_until([&] { return a.connected() && b.connected(); }, 10s), Stop::Done);
  EXPECT_GT(pair.now(), start + 200ms) << "only a retransmission can have done it";
}

TEST(Pair, StopsAtTheTimeLimit) {
  SeededGenerator random{1};
  Toy a{Defect::None, random};
  Toy b{Defect::None, random};
  Pair pair{a, b, random, both_ways({.loss = 1})};
  a.start(pair.now());
  EXPECT_EQ(pair.run_until([&] { return a.connected(); }, 10s), Stop::TimeLimit);
  EXPECT_EQ(pair.now(), start + 10s);
}

TEST(Pair, NoMachineCanHangIt) {
  for (const Defect defect : {Defect::StuckTimeout, Defect::EndlessOutput}) {
    SeededGenerator random{1};
    Toy a{defect, random};
    Toy b{defect, random};
    PairOptions options = both_ways({.latency = 150ms});  // A timeout before the answer.
    options.max_steps_per_instant = 100;
    options.max_packets_per_poll = 1'000;
    Pair pair{a, b, random, options};
    a.start(pair.now());
    b.start(pair.now());
    EXPECT_EQ(pair.run_for(10s), Stop::StepLimit);
  }
}

TEST(AsPipe, ShowsAPathMachineAsAPipe) {
  SeededGenerator random{1};
  PathToy a{random, {.local = at_a, .remote = at_b}};
  PathToy b{random, {.local = at_b, .remote = at_a}};
  AsPipe<PathToy> pipe_a{a, {.local = at_a, .remote = at_b}};
  AsPipe<PathToy> pipe_b{b, {.local = at_b, .remote = at_a}};
  Pair pair{pipe_a, pipe_b, random};
  a.toy().start(pair.now());
  b.toy().start(pair.now());
  EXPECT_EQ(pair.run_until([&] { return a.toy().connected() && b.toy().connected(); }, 10s), Stop::Done);
}

TEST(World, ConnectsMachinesOnANetwork) {
  SeededGenerator random{1};
  Network network{random};
  Host& host_a = network.add_host("a", at_a.address);
  Host& host_b = network.add_host("b", at_b.address, nullptr, {.loss = 0.3});
  ASSERT_TRUE(host_a.bind(at_a));
  ASSERT_TRUE(host_b.bind(at_b));
  PathToy a{random, {.local = at_a, .remote = at_b}};
  PathToy b{random, {.local = at_b, .remote = at_a}};
  World<PathToy> world{network};
  int events_of_a = 0;
  int other_events = 0;
  world.add(a, host_a).on_event = [&](Toy::Event&) { ++events_of_a; };
  world.add(b, host_b);
  world.on_event = [&](World<PathToy>::Node& node, Toy::Event&) {
    EXPECT_EQ(&node.machine, &b);
    ++other_events;
  };
  a.toy().start(world.now());
  b.toy().start(world.now());
  EXPECT_EQ(world.run_until([&] { return a.toy().connected() && b.toy().connected(); }, 60s), Stop::Done);
  EXPECT_EQ(events_of_a, 1);
  EXPECT_EQ(other_events, 1);
  EXPECT_EQ(world.settle(60s), Stop::Idle);
}

TEST(World, NoMachineCanHangIt) {
  for (const Defect defect : {Defect::StuckTimeout, Defect::EndlessOutput}) {
    SeededGenerator random{1};
    Network network{random};
    Host& host_a = network.add_host("a", at_a.address, nullptr, {.latency = 150ms});
    Host& host_b = network.add_host("b", at_b.address, nullptr, {.latency = 150ms});
    ASSERT_TRUE(host_a.bind(at_a) && host_b.bind(at_b));
    PathToy a{random, {.local = at_a, .remote = at_b}, defect};
    PathToy b{random, {.local = at_b, .remote = at_a}, defect};
    World<PathToy> world{network, {.max_steps_per_instant = 100, .max_output_per_pump = 100}};
    world.add(a, host_a);
    world.add(b, host_b);
    a.toy().start(world.now());
    b.toy().start(world.now());
    EXPECT_EQ(world.run_for(10s), Stop::StepLimit);
  }
}

TEST(World, RunsForTheTimeAskedEvenWhenIdle) {
  SeededGenerator random{1};
  Network network{random};
  World<PathToy> world{network};
  EXPECT_EQ(world.run_for(3s), Stop::Idle);
  EXPECT_EQ(world.now(), start + 3s);
}

}  // namespace
}  // namespace linnet::sim
