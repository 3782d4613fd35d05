// What the members of PeerConnection and DataChannel say in each phase: a pair that is swapped must be noticed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "api/testing_pair.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using ::testing::ElementsAre;
using testing::Pair;

/// "offer" or "answer" and the user name fragment, which tells descriptions apart; candidates come and go.
std::string mark(const std::optional<SessionDescription>& description) {
  if (!description) return "";
  const std::string key = "a=ice-ufrag:";
  const std::size_t at = description->sdp.find(key) + key.size();
  return std::string{to_string(description->type)} + " " +
         description->sdp.substr(at, description->sdp.find('\r', at) - at);
}

/// All six, in the order current, pending, either; local, then remote.
std::vector<std::string> marks(const PeerConnection& pc) {
  return {mark(pc.current_local_description()),  mark(pc.pending_local_description()),  mark(pc.local_description()),
          mark(pc.current_remote_description()), mark(pc.pending_remote_description()), mark(pc.remote_description())};
}

TEST(Members, TellTheCurrentAndThePendingDescriptionsInEachPhase) {
  asio::io_context io;
  PeerConnection a{io, {}, {.ice_loopback_only = true}};
  PeerConnection b{io, {}, {.ice_loopback_only = true}};
  testing::run(io, [](PeerConnection& x, PeerConnection& y) -> awaitable<void> {
    auto channel = x.create_data_channel("x");
    EXPECT_THAT(marks(x), ElementsAre("", "", "", "", "", ""));
    co_await x.set_local_description();
    const std::string offer = mark(x.local_description());
    EXPECT_TRUE(offer.starts_with("offer "));
    EXPECT_THAT(marks(x), ElementsAre("", offer, offer, "", "", ""));
    co_await y.set_remote_description(*x.local_description());
    EXPECT_THAT(marks(y), ElementsAre("", "", "", "", offer, offer));
    co_await y.set_local_description();
    const std::string answer = mark(y.local_description());
    EXPECT_TRUE(answer.starts_with("answer "));
    EXPECT_THAT(marks(y), ElementsAre(answer, "", answer, offer, "", offer));
    co_await x.set_remote_description(*y.local_description());
    EXPECT_THAT(marks(x), ElementsAre(offer, "", offer, answer, "", answer));

    x.restart_ice();
    co_await x.set_local_description();
    const std::string second = mark(x.local_description());
    EXPECT_NE(second, offer);
    EXPECT_THAT(marks(x), ElementsAre(offer, second, second, answer, "", answer));
    co_await y.set_remote_description(*x.local_description());
    EXPECT_THAT(marks(y), ElementsAre(answer, "", answer, offer, second, second));
  }(a, b));
}

TEST(Members, TellWhetherThePeerTakesCandidatesOneByOne) {
  for (const bool trickles : {true, false}) {
    asio::io_context io;
    PeerConnection a{io, {}, {.ice_loopback_only = true}};
    PeerConnection b{io, {}, {.ice_loopback_only = true}};
    testing::run(io, [](PeerConnection& x, PeerConnection& y, bool with) -> awaitable<void> {
      auto channel = x.create_data_channel("x");
      SessionDescription offer = co_await x.create_offer();
      const std::string word = "trickle";
      EXPECT_TRUE(offer.sdp.contains(word));
      for (std::size_t at = 0; !with && (at = offer.sdp.find(word, at)) != std::string::npos;)
        offer.sdp.replace(at, word.size(), "nothing");
      EXPECT_FALSE(y.can_trickle_ice_candidates());
      co_await y.set_remote_description(offer);
      EXPECT_EQ(y.can_trickle_ice_candidates(), std::optional<bool>{with});
    }(a, b, trickles));
  }
}

TEST(Members, TellTheStatesOfIceInTheirOrder) {
  asio::io_context io;
  Pair pair{io.get_executor(), {.ice_loopback_only = true}};
  std::vector<IceConnectionState> states;
  pair.a->on_ice_connection_state_change = [&](IceConnectionState state) {
    EXPECT_EQ(state, pair.a->ice_connection_state());
    states.push_back(state);
  };
  auto chat = pair.a->create_data_channel("chat");
  testing::run(io, [](DataChannel c) -> awaitable<void> { co_await c.writable(); }(chat));
  ASSERT_GE(states.size(), 2U);
  EXPECT_EQ(states[0], IceConnectionState::Checking);
  EXPECT_EQ(states[1], IceConnectionState::Connected);
  if (states.size() > 2) {
    EXPECT_THAT(std::vector(states.begin() + 2, states.end()), ElementsAre(IceConnectionState::Completed));
  }
}

auto fixed(const DataChannel& c) {
  return std::tuple(c.label(), c.protocol(), c.ordered(), c.max_packet_life_time(), c.max_retransmits(), c.negotiated(),
                    c.priority());
}

TEST(Members, OfAChannelAreTheSameOnBothEnds) {
  asio::io_context io;
  Pair pair{io.get_executor(), {.ice_loopback_only = true}};
  const auto a = &pair.a, b = &pair.b;
  const DataChannelInit lifetime{.ordered = false, .max_packet_life_time = 700, .protocol = "p1"};
  const DataChannelInit retransmits{.max_retransmits = 3, .protocol = "p2", .priority = Priority::High};
  const DataChannelInit by_hand{.protocol = "p3", .negotiated = true, .id = 77, .priority = Priority::Medium};
  std::vector<DataChannel> ours{(*a)->create_data_channel("one", lifetime),
                                (*a)->create_data_channel("two", retransmits),
                                (*a)->create_data_channel("three", by_hand)};
  std::vector<DataChannel> theirs{(*b)->create_data_channel("three", by_hand)};
  EXPECT_FALSE(ours[0].id());
  EXPECT_EQ(ours[2].id(), 77);
  (*b)->on_data_channel = [&](const DataChannelEvent& e) { theirs.push_back(e.channel); };
  testing::run(io, [](std::vector<DataChannel>& mine, std::vector<DataChannel>& others) -> awaitable<void> {
    for (const DataChannel& c : mine) co_await c.writable();
    while (others.size() < 3) co_await asio::post(asio::use_awaitable);
  }(ours, theirs));
  const std::optional<std::uint16_t> none;
  using Some = std::optional<std::uint16_t>;
  EXPECT_EQ(fixed(ours[0]), std::tuple("one", "p1", false, Some{700}, none, false, Priority::Low));
  EXPECT_EQ(fixed(ours[1]), std::tuple("two", "p2", true, none, Some{3}, false, Priority::High));
  EXPECT_EQ(fixed(ours[2]), std::tuple("three", "p3", true, none, none, true, Priority::Medium));
  for (const DataChannel& c : ours) {
    const auto other = std::ranges::find(theirs, c.label(), &DataChannel::label);
    ASSERT_NE(other, theirs.end()) << c.label();
    EXPECT_EQ(fixed(*other), fixed(c)) << c.label();
    ASSERT_TRUE(c.id());
    EXPECT_EQ(other->id(), c.id()) << c.label();
  }
  EXPECT_NE(ours[0].id(), ours[1].id());
  const auto id = ours[0].id();
  pair.a->close();
  EXPECT_EQ(ours[0].id(), id);
}

TEST(Members, BufferedAmountDoesNotResetWhenTheConnectionCloses) {
  asio::io_context io;
  Pair pair{io.get_executor(), {.ice_loopback_only = true}};
  auto chat = pair.a->create_data_channel("chat");
  testing::run(io, [](DataChannel c) -> awaitable<void> { co_await c.writable(); }(chat));
  chat.send(std::vector<std::byte>(200'000));
  EXPECT_EQ(chat.buffered_amount(), 200'000U);
  pair.a->close();
  EXPECT_EQ(chat.buffered_amount(), 200'000U);
  pair.a.reset();
  EXPECT_EQ(chat.buffered_amount(), 200'000U);
}

TEST(Members, TimestampsOfStatisticsAreUnixTime) {
  asio::io_context io;
  PeerConnection pc{io};
  testing::run(io, [](PeerConnection& p) -> awaitable<void> {
    const auto unix_ms = [] {
      return std::chrono::duration<double, std::milli>(std::chrono::system_clock::now().time_since_epoch()).count();
    };
    const double before = unix_ms();
    const StatsReport report = co_await p.get_stats();
    EXPECT_FALSE(report.empty());
    for (const auto& [id, stats] : report) {
      const double at = std::visit([](const Stats& s) { return s.timestamp; }, stats);
      EXPECT_NEAR(at, before, 10'000.0) << id;
    }
  }(pc));
}

}  // namespace
}  // namespace linnet
