#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <vector>

#include "linnet/core/generator.hpp"
#include "transport/socket_demux.hpp"

// What it costs to find the session that a datagram is for, on a port that so many share; and to ask before a send.
namespace linnet::transport {
namespace {

constexpr TimePoint now = TimePoint{} + std::chrono::seconds{1};

struct Shared {
  explicit Shared(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      members.push_back(demux.add());
      paths.push_back(
          {.local = {IpAddress::v4({192, 0, 2, 1}), 5'000},
           .remote = {IpAddress::v4({198, 51, static_cast<std::uint8_t>(i / 250), static_cast<std::uint8_t>(i % 250)}),
                      static_cast<std::uint16_t>(1'024 + i)}});
      if (!demux.may_send(now, members.back(), run(paths.back()))) std::abort();
    }
    // In no order that a cache or a predictor knows.
    SeededGenerator random{1};
    for (std::size_t i = 0; i < 4'096; ++i) order.push_back(random.below(count));
  }
  DatagramBatch::Run run(const Path& path) { return {.path = path, .segment_size = data.size(), .bytes = data}; }

  std::array<std::byte, 1'200> data{std::byte{23}};
  SocketDemux demux;
  std::vector<MemberId> members;
  std::vector<Path> paths;
  std::vector<std::size_t> order;
};

void demux_received(benchmark::State& state) {
  Shared shared{static_cast<std::size_t>(state.range(0))};
  std::size_t i = 0;
  for (auto _ : state) {
    const std::size_t which = shared.order[i++ % shared.order.size()];
    const Datagram datagram{now, shared.paths[which], Ecn::NotEct, shared.data};
    if (shared.demux.route(datagram) != shared.members[which]) state.SkipWithError("another's");
  }
}
BENCHMARK(demux_received)->Arg(1)->Arg(10)->Arg(100)->Arg(1'000);

void demux_sent(benchmark::State& state) {
  Shared shared{static_cast<std::size_t>(state.range(0))};
  std::size_t i = 0;
  for (auto _ : state) {
    const std::size_t which = shared.order[i++ % shared.order.size()];
    if (!shared.demux.may_send(now, shared.members[which], shared.run(shared.paths[which]))) {
      state.SkipWithError("refused");
    }
  }
}
BENCHMARK(demux_sent)->Arg(1)->Arg(10)->Arg(100)->Arg(1'000);

}  // namespace
}  // namespace linnet::transport
