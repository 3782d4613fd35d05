// What the application is told about what waits to be sent.
#include <gmock/gmock.h>

#include <map>
#include <span>
#include <string>
#include <vector>

#include "session/testing/bare_peer.hpp"
#include "session/testing/rig.hpp"

namespace linnet::session::testing {
namespace {

using ::testing::SizeIs;

TEST(SessionSendQueue, NothingSaidWhenAChannelOpensIsLostHoweverManyOpenAtOnce) {
  constexpr std::size_t count = 1'000;
  Tuning small;
  small.max_send_queue = 100'000;
  Tuning impatient;  // As peers are that keep nothing of a channel which they do not know.
  impatient.max_early_messages = 1;
  Rig rig{1, {.latency = 20ms}, small, impatient};
  for (std::size_t i = 0; i < count; ++i)
    (void)rig.a.session->create_data_channel(rig.now(), std::to_string(i) + std::string(500, 'x')).value();
  rig.negotiate(rig.a, rig.b);
  std::size_t looked = 0;
  const auto say_label = [&](ChannelId id) { (void)rig.a.session->send(rig.now(), id, rig.a.session->label(id)); };
  const auto speak_and_look = [&] {
    for (; looked < rig.a.log.size(); ++looked) {
      if (const auto* open = std::get_if<Session::ChannelOpen>(&rig.a.log[looked])) say_label(open->channel);
      if (const auto* e = std::get_if<Session::ChannelWritable>(&rig.a.log[looked])) say_label(e->channel);
    }
    return rig.b.received.size() == count;
  };
  EXPECT_EQ(rig.run_until(speak_and_look, 60s), sim::Stop::Done) << rig.b.received.size();
  for (const auto& [id, messages] : rig.b.received) {
    ASSERT_THAT(messages, SizeIs(1));
    EXPECT_EQ(messages[0].text(), rig.b.session->label(id));
  }
}

TEST(SessionSendQueue, TheBufferedAmountIsWhatTheApplicationSaidAndNothingElse) {
  Rig rig;
  (void)rig.connect();
  Session& s = *rig.a.session;
  const ChannelId id = s.create_data_channel(rig.now(), "a channel whose OPEN waits").value();
  ASSERT_TRUE(rig.a.open(id));
  EXPECT_EQ(s.buffered_amount(id), 0U);
  ASSERT_TRUE(s.send(rig.now(), id, ""));
  ASSERT_TRUE(s.send(rig.now(), id, std::span<const std::byte>{}));
  EXPECT_EQ(s.buffered_amount(id), 0U);
  ASSERT_TRUE(s.send(rig.now(), id, "\xc3\xa4"));
  EXPECT_EQ(s.buffered_amount(id), 2U) << "bytes of UTF-8";
  ASSERT_TRUE(s.send(rig.now(), id, std::span<const std::byte>{pattern(100)}));
  EXPECT_EQ(s.buffered_amount(id), 102U);
  rig.run_for(1s);
  EXPECT_EQ(s.buffered_amount(id), 0U);
  EXPECT_EQ(rig.a.count<Session::ChannelBufferedAmountLow>(), 1U);
  ASSERT_TRUE(s.send(rig.now(), id, ""));
  rig.run_for(1s);
  EXPECT_EQ(rig.a.count<Session::ChannelBufferedAmountLow>(), 1U) << "it was 0 all the time";
  EXPECT_THAT(rig.b.received[rig.b.announced.at(1)], SizeIs(5));
}

using BufferedAmount = BarePeerTest;

TEST_F(BufferedAmount, IsNotAnAnswerToThePeersOpen) {
  peer_opens(4);
  move(peer_, ours_);
  handle_events();
  ASSERT_TRUE(channels_.send(now_, announced(), false, bytes_of("hello")));
  EXPECT_EQ(channels_.buffered_amount(announced()), 5U);
  run();
  EXPECT_EQ(channels_.buffered_amount(announced()), 0U);
}

}  // namespace
}  // namespace linnet::session::testing
