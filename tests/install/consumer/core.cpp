// linnet::core alone: two sessions in memory, driven by this loop, with a virtual clock. No socket, no Boost.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <linnet/core/session.hpp>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

using linnet::Session;

namespace {

struct Side {
  std::unique_ptr<Session> session;
  linnet::Endpoint address;
  std::vector<linnet::IceCandidateInit> candidates{};
  std::string received{};
};

void drain(Side& side, linnet::TimePoint now) {
  while (auto event = side.session->poll_event()) {
    if (std::holds_alternative<Session::NeedSockets>(*event)) {
      side.session->add_socket(now, {.local = side.address});
      side.session->sockets_done(now);
    } else if (auto* found = std::get_if<Session::IceCandidateFound>(&*event)) {
      if (found->candidate) side.candidates.push_back(*found->candidate);
    } else if (auto* ready = std::get_if<Session::ChannelMessageReady>(&*event)) {
      while (const auto message = side.session->receive(ready->channel)) side.received += message->text();
    }
  }
}

}  // namespace

int main() {
  linnet::SeededGenerator generator{1};
  linnet::TimePoint now{};
  std::array<Side, 2> sides;
  for (std::uint8_t i = 0; i < 2; ++i) {
    auto session = Session::create({}, {}, {.generator = generator, .wall_clock = std::chrono::system_clock::now()});
    if (!session) return EXIT_FAILURE;
    sides[i].session = std::move(*session);
    sides[i].address = {linnet::IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(i + 1)}), 1000};
  }
  auto& [a, b] = sides;
  const auto channel = a.session->create_data_channel(now, "greeting");
  if (!channel || !a.session->set_local_description(now) ||
      !b.session->set_remote_description(now, *a.session->local_description()) ||
      !b.session->set_local_description(now) ||
      !a.session->set_remote_description(now, *b.session->local_description()))
    return EXIT_FAILURE;

  linnet::DatagramBatch batch;
  bool sent = false;
  for (int step = 0; step < 1'000 && b.received.empty(); ++step) {
    for (auto& side : sides) {
      auto& other = &side == &a ? b : a;
      side.session->handle_timeout(now);
      drain(side, now);
      for (const auto& candidate : side.candidates) (void)other.session->add_ice_candidate(now, candidate);
      side.candidates.clear();
      (void)side.session->poll_transmit(now, batch);
      for (const auto& run : batch.runs()) {
        for (std::size_t at = 0; at < run.bytes.size(); at += run.segment_size) {
          const auto segment = run.bytes.subspan(at, std::min(run.segment_size, run.bytes.size() - at));
          std::vector<std::byte> copy(segment.begin(), segment.end());
          other.session->handle_datagram(
              {.at = now, .path = {.local = run.path.remote, .remote = run.path.local}, .bytes = copy});
        }
      }
      batch.clear();
    }
    if (!sent) sent = a.session->send(now, *channel, std::string_view{"hello from linnet::core"}).has_value();
    now += std::chrono::milliseconds{5};
  }
  std::puts(b.received.c_str());
  return b.received == "hello from linnet::core" ? EXIT_SUCCESS : EXIT_FAILURE;
}
