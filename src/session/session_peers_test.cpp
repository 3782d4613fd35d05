#include <gmock/gmock.h>

#include "session/testing/rig.hpp"

namespace linnet::session::testing {
namespace {

/// The answer of somebody who takes no data channels.
SessionDescription without_data(SessionDescription description) {
  const auto replace = [&](std::string_view what, std::string_view by) {
    const std::size_t at = description.sdp.find(what);
    ASSERT_NE(at, std::string::npos) << what;
    description.sdp.replace(at, what.size(), by);
  };
  const std::size_t line = description.sdp.find("m=application ");
  replace(description.sdp.substr(line, description.sdp.find(" UDP", line) - line), "m=application 0");
  replace("a=group:BUNDLE 0\r\n", "");
  return description;
}

/// `a` offers again and is told that `b` takes no data channels any more.
void renegotiate_without_data(Rig& rig) {
  ASSERT_TRUE(rig.a.session->set_local_description(rig.now()));
  ASSERT_TRUE(rig.b.session->set_remote_description(rig.now(), rig.a.session->local_description().value()));
  ASSERT_TRUE(rig.b.session->set_local_description(rig.now()));
  ASSERT_TRUE(
      rig.a.session->set_remote_description(rig.now(), without_data(rig.b.session->local_description().value())));
}

/// `a` is the DTLS client of `b`, which has made one channel.
void connect_from_b(Rig& rig) {
  const ChannelId theirs = rig.b.session->create_data_channel(rig.now(), "theirs").value();
  rig.negotiate(rig.b, rig.a);
  ASSERT_EQ(rig.run_until([&] { return rig.b.open(theirs) && rig.a.announced.size() == 1; }, 10s), sim::Stop::Done);
}

/// `c` has taken the place of `b`: the new association counts its ids from the beginning, and both channels carry.
void expect_to_be_the_first_channels(Rig& rig, Peer& c, ChannelId from_c, ChannelId from_a) {
  ASSERT_EQ(rig.run_until([&] { return rig.a.announced.size() == 2 && c.announced.size() == 1; }, 30s),
            sim::Stop::Done);
  EXPECT_EQ(c.session->id(from_c), 0);
  EXPECT_EQ(rig.a.session->id(from_a), 1);
  ASSERT_TRUE(c.session->send(rig.now(), from_c, "hello"));
  ASSERT_TRUE(rig.a.session->send(rig.now(), from_a, "hi"));
  rig.run_for(1s);
  EXPECT_EQ(rig.a.received[rig.a.announced[1]].at(0).text(), "hello");
  EXPECT_EQ(c.received[c.announced[0]].at(0).text(), "hi");
}

TEST(Session, GoesOnWithAnotherPeerThatAnswersWithAnotherFingerprint) {
  Rig rig;
  connect_from_b(rig);  // `a` will be the DTLS server of `c`.
  std::vector<ChannelId> old = rig.a.announced;
  for (int i = 0; i < 3; ++i) old.push_back(rig.a.session->create_data_channel(rig.now(), "old").value());
  rig.run_for(1s);
  EXPECT_EQ(rig.a.session->id(old[1]), 0);

  Peer c{"c", rig.network.add_host("c", *IpAddress::parse("192.0.2.3")), 99};
  rig.hand_on_to(c);
  rig.a.session->restart_ice(rig.now());
  rig.negotiate(rig.a, c);
  for (const ChannelId id : old) EXPECT_EQ(rig.a.session->ready_state(id), DataChannelState::Closed);
  const ChannelId from_c = c.session->create_data_channel(rig.now(), "from c").value();
  const ChannelId from_a = rig.a.session->create_data_channel(rig.now(), "from a").value();
  expect_to_be_the_first_channels(rig, c, from_c, from_a);
}

TEST(Session, AddsDataChannelsAgainAfterTheyWereRejected) {
  Rig rig;
  connect_from_b(rig);
  const ChannelId old = rig.a.session->create_data_channel(rig.now(), "old").value();
  rig.run_for(1s);
  renegotiate_without_data(rig);
  EXPECT_EQ(rig.a.session->ready_state(old), DataChannelState::Closed);
  EXPECT_EQ(rig.a.session->ready_state(rig.a.announced[0]), DataChannelState::Closed);

  Peer c{"c", rig.network.add_host("c", *IpAddress::parse("192.0.2.3")), 99};
  rig.hand_on_to(c);
  const ChannelId from_a = rig.a.session->create_data_channel(rig.now(), "from a").value();
  rig.negotiate(rig.a, c);
  const ChannelId from_c = c.session->create_data_channel(rig.now(), "from c").value();
  expect_to_be_the_first_channels(rig, c, from_c, from_a);
}

TEST(Session, GivesBackTheSocketsOfARejectedTransportEvenWhenClosedAtOnce) {
  Rig rig;
  rig.connect();
  renegotiate_without_data(rig);
  ASSERT_EQ(rig.a.count<Session::CloseSocket>(), 0U);
  rig.a.session->close(rig.now());
  std::size_t told = 0;
  while (const auto event = rig.a.session->poll_event()) {
    const bool closes = std::holds_alternative<Session::CloseSocket>(*event);
    told += closes ? 1U : 0U;
    EXPECT_TRUE(closes || std::holds_alternative<Session::Terminated>(*event)) << event->index();
  }
  EXPECT_EQ(told, 1U);
}

}  // namespace
}  // namespace linnet::session::testing
