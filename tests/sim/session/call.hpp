#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/session/meeting.hpp"

namespace linnet::sim {

/// A meeting on good links, with one channel made by A, for tests that spoil it themselves.
class Call {
 public:
  static constexpr Duration latency = std::chrono::milliseconds{20};

  explicit Call(std::uint64_t seed = 1, Tuning tuning_a = {}, Tuning tuning_b = {})
      : luck_(seed ^ 0x6361'6c6c),
        network(luck_),
        meeting(network, network.add_host("A", address_a, nullptr, {.latency = latency / 2}),
                network.add_host("B", address_b, nullptr, {.latency = latency / 2}), seed, {.tuning = tuning_a},
                {.tuning = tuning_b}) {
    meeting.on_event = [this](Meeting::Peer& peer, Session::Event& event) {
      const auto* ready = std::get_if<Session::ChannelMessageReady>(&event);
      if (ready == nullptr || !read) return;
      while (auto message = peer.session->receive(ready->channel)) {
        received[static_cast<std::size_t>(peer.side)].push_back(std::move(*message));
      }
    };
  }

  /// The offer is on its way.
  void begin() { channel = meeting.a.session->create_data_channel(now(), "chat").value(); }
  [[nodiscard]] bool is_open() const {
    return meeting.a.session->ready_state(channel) == DataChannelState::Open && !meeting.b.announced.empty();
  }
  [[nodiscard]] Stop open(Duration limit = std::chrono::seconds{60}) {
    return meeting.run_until([&] { return is_open(); }, limit);
  }
  /// Whether a message gets through.
  [[nodiscard]] bool works() {
    const std::size_t before = received[1].size();
    if (!meeting.a.session->send(now(), channel, "still here")) return false;
    const auto arrived = [&] { return received[1].size() == before + 1; };
    return meeting.run_until(arrived, std::chrono::seconds{30}) == Stop::Done &&
           received[1].back().text() == "still here";
  }
  /// Both hosts lose their cables.
  void cut() {
    for (Meeting::Peer* peer : {&meeting.a, &meeting.b}) {
      for (const IpAddress& address : peer->host.addresses()) {
        peer->host.access(address).up.set_down(true);
        peer->host.access(address).down.set_down(true);
      }
    }
  }
  [[nodiscard]] TimePoint now() const { return meeting.now(); }

  static inline const IpAddress address_a = IpAddress::v4({203, 0, 113, 1});
  static inline const IpAddress address_b = IpAddress::v4({203, 0, 113, 2});

 private:
  SeededGenerator luck_;

 public:
  Network network;
  Meeting meeting;
  ChannelId channel{};
  bool read = true;
  std::array<std::vector<DataChannelMessage>, 2> received;  ///< By reader.
};

}  // namespace linnet::sim
