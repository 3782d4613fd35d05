#include <gmock/gmock.h>

#include "session/testing/rig.hpp"

namespace linnet::session::testing {
namespace {

using ::testing::SizeIs;

TEST(Session, ClosesAChannelOnBothSidesAfterDeliveringAndUsesItsIdAgain) {
  for (const bool from_a : {true, false}) {
    Rig rig;
    const ChannelId id = rig.connect();
    const auto stream = rig.a.session->id(id);
    const ChannelId remote = rig.remote();
    Peer& closer = from_a ? rig.a : rig.b;
    Peer& other = from_a ? rig.b : rig.a;
    const ChannelId mine = from_a ? id : remote;
    const ChannelId theirs = from_a ? remote : id;
    ASSERT_TRUE(closer.session->send(rig.now(), mine, std::span<const std::byte>{pattern(100'000)}));
    closer.session->close_channel(rig.now(), mine);
    EXPECT_EQ(closer.session->ready_state(mine), DataChannelState::Closing);
    EXPECT_EQ(closer.session->send(rig.now(), mine, "late").error().name, ErrorName::InvalidStateError);
    ASSERT_EQ(
        rig.run_until(
            [&] { return rig.a.count<Session::ChannelClosed>() + rig.b.count<Session::ChannelClosed>() == 2; }, 10s),
        sim::Stop::Done);
    EXPECT_EQ(other.received[theirs].at(0).data.size(), 100'000U);
    EXPECT_EQ(other.count<Session::ChannelClosing>(), 1U);
    EXPECT_EQ(closer.count<Session::ChannelClosing>(), 0U);
    EXPECT_EQ(rig.a.session->ready_state(id), DataChannelState::Closed);

    const ChannelId again = rig.a.session->create_data_channel(rig.now(), "again").value();
    EXPECT_EQ(rig.a.session->id(again), stream);
    ASSERT_EQ(rig.run_until([&] { return rig.b.announced.size() == 2; }, 10s), sim::Stop::Done);
    ASSERT_TRUE(rig.a.session->send(rig.now(), again, "second life"));
    rig.run_for(1s);
    EXPECT_EQ(rig.b.received[rig.b.announced.back()].at(0).text(), "second life");
    EXPECT_EQ(rig.b.session->label(rig.b.announced.back()), "again");
  }
}

TEST(Session, LetsAReaderFinishAChannelThatThePeerClosed) {
  Rig rig;
  const ChannelId id = rig.connect();
  rig.b.read = false;
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "one"));
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "two"));
  rig.a.session->close_channel(rig.now(), id);
  rig.run_for(2s);
  EXPECT_EQ(rig.b.session->ready_state(rig.remote()), DataChannelState::Closing);
  EXPECT_EQ(rig.b.session->receive(rig.remote())->text(), "one");
  EXPECT_EQ(rig.b.session->receive(rig.remote())->text(), "two");
  EXPECT_FALSE(rig.b.session->receive(rig.remote()));
  rig.run_for(2s);
  EXPECT_EQ(rig.b.session->ready_state(rig.remote()), DataChannelState::Closed);
  EXPECT_EQ(rig.a.session->ready_state(id), DataChannelState::Closed);
}

TEST(Session, ClosesWhenBothSidesCloseTheSameChannelAtOnce) {
  Rig rig;
  const ChannelId id = rig.connect();
  rig.a.session->close_channel(rig.now(), id);
  rig.b.session->close_channel(rig.now(), rig.remote());
  rig.run_for(3s);
  EXPECT_EQ(rig.a.session->ready_state(id), DataChannelState::Closed);
  EXPECT_EQ(rig.b.session->ready_state(rig.remote()), DataChannelState::Closed);
  EXPECT_EQ(rig.a.count<Session::ChannelClosed>(), 1U);
  EXPECT_EQ(rig.b.count<Session::ChannelClosed>(), 1U);
}

TEST(Session, DeliversEverythingSentBeforeClose) {
  Rig rig{3, {.latency = 50ms, .loss = 0.02}};
  const ChannelId id = rig.connect();
  const auto data = pattern(100'000);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(rig.a.session->send(rig.now(), id, std::span<const std::byte>{data}));
  rig.a.session->close(rig.now());
  EXPECT_EQ(rig.a.session->connection_state(), PeerConnectionState::Closed);
  EXPECT_EQ(rig.a.session->signaling_state(), SignalingState::Closed);
  const std::size_t events = rig.a.log.size();
  ASSERT_EQ(rig.run_until([&] { return rig.a.terminated; }, 30s), sim::Stop::Done);
  rig.run_for(1s);
  EXPECT_THAT(rig.b.received[rig.remote()], SizeIs(20));
  for (std::size_t i = events; i < rig.a.log.size(); ++i) {
    EXPECT_TRUE(std::holds_alternative<Session::CloseSocket>(rig.a.log[i]) ||
                std::holds_alternative<Session::Terminated>(rig.a.log[i]));
  }
  EXPECT_EQ(rig.a.session->next_timeout(), never);
  EXPECT_EQ(rig.b.session->ready_state(rig.remote()), DataChannelState::Closed);
  EXPECT_EQ(rig.b.session->dtls_transport_state(), DtlsTransportState::Closed);
}

TEST(Session, ClosesTowardsAPeerThatIsInTheMiddleOfSendingToIt) {
  Tuning small;
  small.receive_window = 100'000;
  Rig rig{1, {}, small, {}};
  const ChannelId id = rig.connect();
  rig.a.read = false;
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(rig.b.session->send(rig.now(), rig.remote(), std::span<const std::byte>{pattern(50'000)}));
  }
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "last words"));
  rig.run_for(2s);
  rig.a.session->close(rig.now());
  EXPECT_EQ(rig.run_until([&] { return rig.a.terminated; }, 5s), sim::Stop::Done);
  EXPECT_EQ(rig.b.received[rig.remote()].at(0).text(), "last words");
}

TEST(Session, EndsInBoundedTimeWhenClosedTowardsAPeerThatVanished) {
  Rig rig;
  const ChannelId id = rig.connect();
  rig.b.host.remove_address(*IpAddress::parse("192.0.2.2"));
  ASSERT_TRUE(rig.a.session->send(rig.now(), id, "into the void"));
  rig.a.session->close(rig.now());
  EXPECT_EQ(rig.run_until([&] { return rig.a.terminated; }, 12s), sim::Stop::Done);
}

TEST(Session, TerminatesAtOnceWhenClosedBeforeItConnected) {
  Rig rig;
  (void)rig.a.session->create_data_channel(rig.now(), "x");
  rig.a.session->close(rig.now());
  rig.pump();
  EXPECT_TRUE(rig.a.terminated);
  EXPECT_EQ(rig.a.session->create_data_channel(rig.now(), "y").error().name, ErrorName::InvalidStateError);
  EXPECT_EQ(rig.a.session->create_offer().error().name, ErrorName::InvalidStateError);
}

TEST(Session, AbortEndsBothSidesAtOnce) {
  Rig rig;
  const ChannelId id = rig.connect();
  rig.a.session->abort(rig.now());
  rig.pump();
  EXPECT_TRUE(rig.a.terminated);
  EXPECT_EQ(rig.a.session->ready_state(id), DataChannelState::Closed);
  rig.run_for(1s);
  EXPECT_EQ(rig.b.session->ready_state(rig.remote()), DataChannelState::Closed);
  EXPECT_EQ(rig.b.count<Session::ChannelError>(), 1U);
}

}  // namespace
}  // namespace linnet::session::testing
