#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/random.hpp"
#include "sim/seeds.hpp"
#include "sim/session/meeting.hpp"

// A thousand transfers between machines that change their networks meanwhile, with signaling for candidates only.
namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t usual_seeds = 60;
#else
constexpr std::uint64_t usual_seeds = 1'000;
#endif
constexpr std::size_t messages = 150;
constexpr std::size_t size = 10'000;

/// One machine's address at a time, and what its owner does when it changes.
class Traveller {
 public:
  Traveller(Meeting& meeting, Meeting::Peer& peer, std::uint8_t net) : meeting_(meeting), peer_(peer), net_(net) {}

  void leave() {
    for (const Endpoint& local : peer_.host.sockets()) peer_.session->remove_socket(meeting_.now(), local);
    for (const IpAddress& address : peer_.host.addresses()) peer_.host.remove_address(address);
  }
  void arrive() {
    const IpAddress address = IpAddress::v4({198, net_, ++count_, 1});
    peer_.host.add_address(address, nullptr, {.latency = 10ms});
    peer_.session->add_socket(meeting_.now(), {.local = *peer_.host.bind({address, 0})});
  }

 private:
  Meeting& meeting_;
  Meeting::Peer& peer_;
  std::uint8_t net_;
  std::uint8_t count_ = 0;
};

std::string text(std::size_t i) { return std::to_string(i) + std::string(size, static_cast<char>('a' + i % 26)); }

TEST(RoamingCall, LosesNothingWhoeverMovesWheneverAndHoweverOften) {
  Duration longest{};
  for (const std::uint64_t seed : seeds(usual_seeds)) {
    SCOPED_TRACE(describe_seed(seed));
    SeededGenerator luck{seed};
    Network network{luck};
    Host& a = network.add_host("A", IpAddress::v4({203, 0, 113, 1}), nullptr, {.latency = 10ms});
    Host& b = network.add_host("B", IpAddress::v4({203, 0, 113, 2}), nullptr, {.latency = 10ms});
    Meeting m{network, a, b, seed};
    std::vector<std::string> received;
    TimePoint last{};
    Duration pause{};
    m.on_event = [&](Meeting::Peer& peer, Session::Event& event) {
      const auto* ready = std::get_if<Session::ChannelMessageReady>(&event);
      if (ready == nullptr) return;
      while (auto message = peer.session->receive(ready->channel)) {
        pause = std::max(pause, m.now() - last);
        last = m.now();
        received.emplace_back(message->text());
      }
    };
    const ChannelId channel = m.a.session->create_data_channel(m.now(), "x").value();
    ASSERT_EQ(m.run_until([&] { return m.a.session->ready_state(channel) == DataChannelState::Open; }, 30s),
              Stop::Done);
    m.run_for(up_to(luck, 500ms));
    last = m.now();
    for (std::size_t i = 0; i < messages; ++i) ASSERT_TRUE(m.a.session->send(m.now(), channel, text(i)));
    Traveller of_a{m, m.a, 18};
    Traveller of_b{m, m.b, 19};
    const std::uint64_t moves = 1 + luck.below(3);
    for (std::uint64_t i = 0; i < moves; ++i) {
      m.run_for(up_to(luck, 200ms));
      const std::uint64_t who = luck.below(8);  // Mostly one, sometimes both at once.
      const bool gap = luck.below(2) == 0;      // The old network goes before the new one is there, or after.
      for (Traveller* t : {&of_a, &of_b}) {
        if (who != 7 && (t == &of_a) != (who < 4)) continue;
        t->leave();
        if (!gap) t->arrive();
      }
      if (gap) {
        m.run_for(up_to(luck, 4s));
        for (Traveller* t : {&of_a, &of_b}) {
          if (who == 7 || (t == &of_a) == (who < 4)) t->arrive();
        }
      }
    }
    ASSERT_EQ(m.run_until([&] { return received.size() == messages; }, 60s), Stop::Done)
        << received.size() << ' ' << m.describe() << m.a.failure << m.b.failure;
    for (std::size_t i = 0; i < messages; ++i) ASSERT_EQ(received[i], text(i)) << i;
    ASSERT_TRUE(m.a.failure.empty() && m.b.failure.empty()) << m.a.failure << m.b.failure;
    longest = std::max(longest, pause);
  }
  RecordProperty("longest_pause_ms", std::to_string(longest / 1ms));
  EXPECT_LE(longest, 20s);
}

}  // namespace
}  // namespace linnet::sim
