#include <gtest/gtest.h>

#include <string>

#include "sim/session/meeting.hpp"

// A NAT that forgets its mappings in the middle of a transfer, towards a peer that can be reached.
namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

TEST(Rebinding, IsOutlivedByATransferWhoeverOffersAndWhoeverSpeaks) {
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    SeededGenerator luck{seed};
    Network network{luck};
    NatOptions options;
    options.filtering = static_cast<NatBehavior>(seed % 3);
    Nat& nat = network.add_nat(IpAddress::v4({198, 51, 100, 1}), options);
    Host& hidden = network.add_host("A", IpAddress::v4({10, 0, 0, 2}), &nat);
    Host& open = network.add_host("B", IpAddress::v4({203, 0, 113, 2}));
    Meeting m{network, hidden, open, seed};
    std::size_t received = 0;
    m.on_event = [&](Meeting::Peer& peer, Session::Event& event) {
      const auto* ready = std::get_if<Session::ChannelMessageReady>(&event);
      while (ready != nullptr && peer.session->receive(ready->channel)) ++received;
    };
    const Side speaker = seed % 2 == 0 ? Side::A : Side::B;
    const Side offerer = seed % 4 < 2 ? Side::A : Side::B;
    const DataChannelInit init{.negotiated = true, .id = 1};
    const ChannelId at_offerer = m.peer(offerer).session->create_data_channel(m.now(), "x", init).value();
    ChannelId at_speaker = at_offerer;
    const Side other = offerer == Side::A ? Side::B : Side::A;
    const ChannelId at_other = m.peer(other).session->create_data_channel(m.now(), "x", init).value();
    if (speaker != offerer) at_speaker = at_other;
    m.peer(offerer).polite = false;
    m.peer(other).polite = true;
    Session& session = *m.peer(speaker).session;
    const auto up = [&] { return session.ready_state(at_speaker) == DataChannelState::Open; };
    ASSERT_EQ(m.run_until(up, 30s), Stop::Done);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(session.send(m.now(), at_speaker, std::string(10'000, 'x')));
    m.run_for(30ms);
    nat.rebind();
    const TimePoint begin = m.now();
    ASSERT_EQ(m.run_until([&] { return received == 100; }, 60s), Stop::Done)
        << "seed " << seed << ", received " << received << m.a.failure << m.b.failure;
    EXPECT_LE(m.now() - begin, 25s) << "seed " << seed;
    m.run_for(60s);
    EXPECT_TRUE(m.a.connected() && m.b.connected()) << "seed " << seed;
    EXPECT_TRUE(m.a.failure.empty() && m.b.failure.empty()) << m.a.failure << m.b.failure;
  }
}

}  // namespace
}  // namespace linnet::sim
