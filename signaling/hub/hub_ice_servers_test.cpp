#include <gmock/gmock.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "hub/hub.hpp"

namespace linnet::signaling {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

/// Peers of a hub that answers each ping.
class HubIceServersTest : public testing::Test {
 protected:
  explicit HubIceServersTest() {
    options.turn = {{.urls = {"turn:turn.example.org"}, .secret = "north", .lifetime = 100s}};
  }

  /// The lists of servers that `id` was told of since it was last asked.
  std::vector<json::array> told(std::uint64_t id) {
    std::vector<json::array> out;
    while (auto event = hub().poll_event()) {
      const auto* send = std::get_if<Hub::Send>(&*event);
      if (!send) continue;
      const auto message = json::parse(send->text).as_object();
      if (send->to.value() == id && message.contains("iceServers")) out.push_back(message.at("iceServers").as_array());
    }
    return out;
  }
  json::array enter(std::uint64_t id, const std::string& peer, const std::string& host = {}) {
    hub().connect(now, ConnectionId(id), "", host);
    hub().handle_text(now, ConnectionId(id), R"({"type":"hello","peer":")" + peer + "\"}");
    const auto all = told(id);
    return all.size() == 1 ? all.front() : json::array{"not told"};
  }
  void pass(Duration time) {
    for (const TimePoint end = now + time; now < end;) {
      now = std::min(end, now + 10s);
      hub().handle_text(now, ConnectionId(1), R"({"type":"pong"})");
      hub().handle_timeout(now);
    }
  }
  Hub& hub() {
    if (!hub_) hub_.emplace(options, random_);
    return *hub_;
  }

  HubOptions options{.unix_ms_at_start = 1'433'892'218'500};
  TimePoint now{1h};

 private:
  SeededGenerator random_{7};
  std::optional<Hub> hub_;
};

TEST_F(HubIceServersTest, GivesEachPeerAUserOfItsOwnThatExpires) {
  // 1433892218.5 + 3600 + 100 s, rounded down; the password as Python's hmac and base64 modules have it.
  const auto list = enter(1, "ninefingers");
  EXPECT_EQ(json::serialize(list), R"([{"urls":["turn:turn.example.org"],"username":"1433895918:ninefingers",)"
                                   R"("credential":"jy8hTxmOO7UtEKXqSkSlvakPVYA="}])");
  EXPECT_NE(enter(2, "other"), list);
}

TEST_F(HubIceServersTest, RenewsItWithAQuarterOfItsTimeLeftAgainAndAgain) {
  (void)enter(1, "ann");
  pass(74s);
  EXPECT_TRUE(told(1).empty());
  pass(1s);
  auto renewed = told(1);
  ASSERT_EQ(renewed.size(), 1U);
  EXPECT_EQ(renewed[0].at(0).at("username").as_string(), "1433895993:ann");
  pass(75s);
  renewed = told(1);
  ASSERT_EQ(renewed.size(), 1U);
  EXPECT_EQ(renewed[0].at(0).at("username").as_string(), "1433896068:ann");
}

TEST_F(HubIceServersTest, FollowsTheWallClockWhenItJumps) {
  (void)enter(1, "ann");
  hub().set_unix_time(now, 1'433'895'818'500ms + 3s);  // A clock that is set right a little.
  EXPECT_EQ(hub().next_timeout(), now + 20s) << "the next ping";
  EXPECT_EQ(enter(2, "bob").at(0).at("username").as_string(), "1433895921:bob");
  // A day ahead, as after a long sleep: what was given is worth nothing now.
  hub().set_unix_time(now, 1'433'895'818'500ms + 24h);
  EXPECT_EQ(hub().next_timeout(), now);
  hub().handle_timeout(now);
  const auto renewed = told(1);
  ASSERT_EQ(renewed.size(), 1U);
  EXPECT_EQ(renewed[0].at(0).at("username").as_string(), "1433982318:ann");
  hub().handle_text(now, ConnectionId(1), R"({"type":"join","room":"r"})");
  hub().handle_text(now, ConnectionId(2), R"({"type":"join","room":"r"})");
  std::string joined;
  while (auto event = hub().poll_event())
    if (const auto* send = std::get_if<Hub::Send>(&*event); send && send->text.contains("peer-joined"))
      joined = send->text;
  EXPECT_TRUE(joined.contains("1433982218500")) << joined;
  // And back.
  hub().set_unix_time(now, 1'433'895'818'500ms);
  hub().handle_timeout(now);
  EXPECT_EQ(told(2).size(), 1U);
}

TEST_F(HubIceServersTest, RenewsNothingForWhoSaidNoHelloOrIsGone) {
  hub().connect(now, ConnectionId(1), "");
  EXPECT_TRUE(told(1).empty());
  (void)enter(2, "ann");
  hub().disconnect(now, ConnectionId(2));
  pass(200s);
  EXPECT_TRUE(told(2).empty());
}

TEST_F(HubIceServersTest, RenewsOftenEnoughForTheShortestOfSeveral) {
  options.ice_servers = {{.urls = {"stun:stun.example.org"}}};
  options.turn.push_back({.urls = {"turn:b.example.org"}, .secret = "south", .lifetime = 40s});
  EXPECT_EQ(enter(1, "ann").size(), 3U);
  pass(30s);
  const auto renewed = told(1);
  ASSERT_EQ(renewed.size(), 1U);
  EXPECT_EQ(renewed[0].size(), 3U);
}

TEST_F(HubIceServersTest, PushesNothingWhereNothingExpires) {
  options.turn.clear();
  options.ice_servers = {{.urls = {"stun:stun.example.org"}}};
  EXPECT_EQ(enter(1, "ann").size(), 1U);
  pass(7200s);
  EXPECT_TRUE(told(1).empty());
}

TEST_F(HubIceServersTest, NamesTheHostByWhichAClientCame) {
  options.ice_servers = {{.urls = {"stun:{host}:3478"}}};
  options.turn[0].urls = {"turn:{host}:3478", "turn:turn.example.org"};
  const auto urls = [](const json::array& list) {
    std::vector<std::string> out;
    for (const auto& entry : list)
      for (const auto& url : entry.at("urls").as_array()) out.emplace_back(url.as_string());
    return out;
  };
  using testing::ElementsAre;
  EXPECT_THAT(urls(enter(1, "a", "192.168.1.5")),
              ElementsAre("stun:192.168.1.5:3478", "turn:192.168.1.5:3478", "turn:turn.example.org"));
  EXPECT_THAT(urls(enter(2, "b", "[fd00::1]")),
              ElementsAre("stun:[fd00::1]:3478", "turn:[fd00::1]:3478", "turn:turn.example.org"));
  EXPECT_THAT(urls(enter(9, "c", "localhost")),
              ElementsAre("stun:127.0.0.1:3478", "turn:127.0.0.1:3478", "turn:turn.example.org"));
  std::uint64_t id = 10;
  for (const auto* host : {"", "a/b", "a b", "a@b", "a:1", "[::1", "[]", "a?transport=tcp", "a\n"}) {
    SCOPED_TRACE(host);
    const auto number = std::to_string(id);
    EXPECT_THAT(urls(enter(id++, "p" + number, host)), ElementsAre("turn:turn.example.org"));
  }
}

}  // namespace
}  // namespace linnet::signaling
