#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <vector>

#include "sctp/association/association.hpp"
#include "sctp/packet/checksum.hpp"
#include "sctp/packet/chunk.hpp"
#include "sctp/packet/packet_writer.hpp"

namespace linnet::sctp {
namespace {

/// Two associations in one thread; packets go over in batches of 64, as the runtime reads them.
void end_to_end(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  SeededGenerator generator(1);
  Association a({}, generator);
  Association b({}, generator);
  TimePoint now{std::chrono::seconds(1)};
  std::vector<std::array<std::byte, 1'500>> batch(64);
  std::vector<std::size_t> sizes(64);
  const auto carry = [&](Association& from, Association& to) {
    std::size_t count = 0;
    while (count < batch.size() && (sizes[count] = from.poll_packet(now, batch[count])) != 0) ++count;
    for (std::size_t i = 0; i < count; ++i) to.handle_packet(now, std::span(batch[i]).first(sizes[i]));
    return count != 0;
  };
  a.connect(now);
  while (carry(a, b) | carry(b, a)) {
  }
  const std::vector<std::byte> payload(size);
  std::size_t received = 0;
  for (auto _ : state) {
    while (a.total_buffered() < 1'000'000) (void)a.send(now, StreamId{1}, Ppid{53}, payload);
    while (a.poll_event()) {
    }
    carry(a, b);
    now += std::chrono::microseconds(50);
    carry(b, a);
    while (b.poll_event()) {
    }
    while (const auto message = b.receive(StreamId{1})) received += message->payload.size();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(received));
}
BENCHMARK(end_to_end)->Arg(64 * 1'024)->Arg(1'000)->Arg(64);

void parse_packet(benchmark::State& state) {
  std::array<std::byte, 1'200> out;
  PacketWriter writer(out, {.source_port = 5'000, .destination_port = 5'000, .verification_tag = 1});
  const std::vector<std::byte> payload(1'160);
  writer.data({.tsn = Tsn{1}, .begin = true, .end = true}, payload);
  const std::size_t size = writer.finish();
  for (auto _ : state) {
    const auto packet = PacketView::parse(std::span<const std::byte>(out).first(size));
    for (const ChunkView chunk : *packet) benchmark::DoNotOptimize(DataChunk::parse(chunk));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
}
BENCHMARK(parse_packet);

}  // namespace
}  // namespace linnet::sctp
