#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "crypto/system_generator.hpp"
#include "linnet/core/session.hpp"

// Two whole sessions in one thread's memory: ICE, DTLS, SCTP and data channel, without sockets. What the sans-IO core
// costs, to be set against the system calls of a host. Bytes are those of the messages, carried one way.
namespace linnet {
namespace {

using namespace std::chrono_literals;

struct End {
  End(Generator& generator, const char* address) : local{*IpAddress::parse(address), 5'000} {
    auto made = Session::create(
        {}, {}, {.generator = generator, .wall_clock = std::chrono::sys_days{std::chrono::year{2026} / 11 / 20}});
    if (made) session = std::move(*made);
  }
  Endpoint local;
  std::unique_ptr<Session> session;
  DatagramBatch batch;
  std::optional<ChannelId> announced;
  std::size_t received = 0;
};

class Loopback {
 public:
  Loopback() {
    channel = a.session->create_data_channel(now, "bench").value();
    (void)a.session->set_local_description(now);
    (void)b.session->set_remote_description(now, a.session->local_description().value());
    (void)b.session->set_local_description(now);
    (void)a.session->set_remote_description(now, b.session->local_description().value());
    for (int i = 0; i < 5'000 && !ready(); ++i) turn(1ms);
  }
  [[nodiscard]] bool ready() const { return b.announced && a.session->ready_state(channel) == DataChannelState::Open; }
  /// Everything that both have to say goes over once; the next packets see `time` later.
  void turn(Duration time) {
    carry(a, b);
    carry(b, a);
    now += time;
  }

  crypto::SystemGenerator generator;
  TimePoint now{1s};
  End a{generator, "192.0.2.1"};
  End b{generator, "192.0.2.2"};
  ChannelId channel{};

 private:
  void carry(End& from, End& to) {
    if (from.session->next_timeout() <= now) from.session->handle_timeout(now);
    events(from, to);
    from.batch.clear();
    (void)from.session->poll_transmit(now, from.batch);
    for (const DatagramBatch::Run& run : from.batch.runs()) {
      // The reader decrypts in place: the batch is ours.
      auto* bytes = const_cast<std::byte*>(run.bytes.data());
      for (std::size_t at = 0; at < run.bytes.size(); at += run.segment_size)
        to.session->handle_datagram({.at = now,
                                     .path = {.local = run.path.remote, .remote = run.path.local},
                                     .bytes = {bytes + at, std::min(run.segment_size, run.bytes.size() - at)}});
    }
    events(to, from);
  }
  void events(End& self, End& other) {
    while (const auto event = self.session->poll_event()) {
      if (std::holds_alternative<Session::NeedSockets>(*event)) {
        self.session->add_socket(now, {.local = self.local});
        self.session->sockets_done(now);
      } else if (const auto* found = std::get_if<Session::IceCandidateFound>(&*event)) {
        if (found->candidate) (void)other.session->add_ice_candidate(now, IceCandidateInit(*found->candidate));
      } else if (const auto* announced = std::get_if<Session::DataChannelAnnounced>(&*event)) {
        self.announced = announced->channel;
      } else if (const auto* message = std::get_if<Session::ChannelMessageReady>(&*event)) {
        while (const auto data = self.session->receive(message->channel)) self.received += data->data.size();
      }
    }
  }
};

void loopback(benchmark::State& state) {
  Loopback pair;
  if (!pair.ready()) return state.SkipWithError("not connected");
  const std::vector<std::byte> payload(static_cast<std::size_t>(state.range(0)));
  const std::size_t before = pair.b.received;
  for (auto _ : state) {
    while (pair.a.session->buffered_amount(pair.channel) < 1'000'000 &&
           pair.a.session->send(pair.now, pair.channel, std::span<const std::byte>{payload})) {
    }
    pair.turn(50us);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(pair.b.received - before));
}
BENCHMARK(loopback)->Arg(64 * 1'024)->Arg(1'000)->Arg(64);

/// From two descriptions to an open data channel.
void connect(benchmark::State& state) {
  for (auto _ : state) {
    Loopback pair;
    if (!pair.ready()) return state.SkipWithError("not connected");
  }
}
BENCHMARK(connect)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace linnet
