#include "hub/hub.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>

namespace linnet::signaling {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

class HubTest : public testing::Test {
 protected:
  explicit HubTest(HubOptions o = {}) : options(std::move(o)) {}

  Hub& hub() {
    if (!hub_) hub_.emplace(options, random_);
    return *hub_;
  }
  void drain() {
    while (auto event = hub().poll_event()) {
      if (auto* send = std::get_if<Hub::Send>(&*event)) {
        inbox[send->to.value()].push_back(json::parse(send->text).as_object());
      } else {
        const auto& close = std::get<Hub::Close>(*event);
        closed[close.to.value()] = close.code;
      }
    }
  }
  void connect(std::uint64_t id, const std::string& address = {}) {
    hub().connect(now, ConnectionId(id), address);
    drain();
  }
  void say(std::uint64_t id, const std::string& text) {
    hub().handle_text(now, ConnectionId(id), text);
    drain();
  }
  /// What `id` got since it was last asked.
  std::vector<json::object> got(std::uint64_t id) { return std::exchange(inbox[id], {}); }
  std::vector<std::string> types(std::uint64_t id) {
    std::vector<std::string> out;
    for (const auto& m : got(id)) {
      std::string type(m.at("type").as_string());
      if (type == "error") type = std::string(m.at("code").as_string());
      out.push_back(type);
    }
    return out;
  }
  std::string reply(std::uint64_t id, const std::string& text) {
    inbox[id].clear();
    say(id, text);
    const auto all = types(id);
    return all.size() == 1 ? all[0] : std::to_string(all.size()) + " messages";
  }
  void enter(std::uint64_t id, const std::string& peer, const std::string& room = "demo") {
    connect(id);
    say(id, R"({"type":"hello","peer":")" + peer + "\"}");
    say(id, R"({"type":"join","room":")" + room + "\"}");
    got(id);
  }
  void pass(Duration d) {
    now += d;
    hub().handle_timeout(now);
    drain();
  }

  HubOptions options;
  TimePoint now{1h};
  std::map<std::uint64_t, std::vector<json::object>> inbox;
  std::map<std::uint64_t, std::uint16_t> closed;

 private:
  SeededGenerator random_{7};
  std::optional<Hub> hub_;
};

TEST_F(HubTest, WelcomesAndGivesARandomId) {
  connect(1);
  say(1, R"({"type":"hello"})");
  const auto all = got(1);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].at("type"), "welcome");
  EXPECT_EQ(all[0].at("auth"), json::array{"none"});
  EXPECT_EQ(all[1].at("type"), "ready");
  EXPECT_EQ(all[1].at("peer").as_string().size(), 26U);
  EXPECT_NE(all[1].at("resume"), all[1].at("session"));
  EXPECT_FALSE(all[1].contains("seq"));
}

TEST_F(HubTest, StampsTheSenderWhateverItClaims) {
  enter(1, "ann");
  enter(2, "bob");
  got(1);
  say(2, R"({"type":"signal","to":"ann","from":"eve","seq":99,"extra":1,"conn":"c","candidate":null})");
  const auto all = got(1);
  ASSERT_EQ(all.size(), 1U);
  const json::object expected{{"type", "signal"}, {"room", "demo"},       {"from", "bob"},
                              {"conn", "c"},      {"candidate", nullptr}, {"seq", 3}};
  EXPECT_EQ(all[0], expected);
}

TEST_F(HubTest, EndsAConnectionThatDoesNotSpeakJson) {
  for (const std::string text : {"", "{", "[]", "1", "\"x\"", "null", "{}x", "{\"a\":\"\xff\"}"}) {
    closed.clear();
    connect(1);
    say(1, text);
    EXPECT_EQ(closed[1], 4001) << text;
    EXPECT_EQ(hub().connections(), 0U);
  }
  connect(2);
  say(2, std::string(70'000, ' '));
  EXPECT_THAT(types(2), ElementsAre("welcome", "too_large"));
  connect(3);
  hub().handle_binary(now, ConnectionId(3));
  drain();
  EXPECT_EQ(closed[3], 4001);
  hub().connect_unsupported(now, ConnectionId(4));
  drain();
  EXPECT_EQ(closed[4], 4002);
}

TEST_F(HubTest, SurvivesDeepNesting) {
  connect(1);
  say(1, R"({"type":"hello","x":)" + std::string(30'000, '[') + std::string(30'000, ']') + "}");
  EXPECT_EQ(closed[1], 4001);
}

TEST_F(HubTest, AnswersEachBadFieldWithBadRequestAndTheId) {
  enter(1, "ann");
  for (const std::string text : {
           R"({"id":1})",
           R"({"id":1,"type":5})",
           R"({"id":1,"type":"join"})",
           R"({"id":1,"type":"join","room":"demo"})",
           R"({"id":1,"type":"join","room":"x","data":[]})",
           R"({"id":1,"type":"join","room":"x","data":{"name":5}})",
           R"({"id":1,"type":"join","room":"x","data":{"name":"a\nb"}})",
           R"({"id":1,"type":"hello"})",
           R"({"id":1,"type":"signal","to":"bob"})",
           R"({"id":1,"type":"signal","candidate":null})",
           R"({"id":1,"type":"signal","to":"bob","candidate":null,"close":{}})",
           R"({"id":1,"type":"signal","to":"bob","candidate":5})",
           R"({"id":1,"type":"signal","to":"bob","candidate":{"sdpMLineIndex":-1}})",
           R"({"id":1,"type":"signal","to":"bob","candidate":{"sdpMLineIndex":65536}})",
           R"({"id":1,"type":"signal","to":"bob","candidate":{"candidate":1}})",
           R"({"id":1,"type":"signal","to":"bob","candidates":[1]})",
           R"({"id":1,"type":"signal","to":"bob","description":{"type":"hello","sdp":""}})",
           R"({"id":1,"type":"signal","to":"bob","description":{"type":"offer"}})",
           R"({"id":1,"type":"signal","to":"bob","sealed":{}})",
           R"({"id":1,"type":"message","to":"bob"})",
       }) {
    say(1, text);
    const auto all = got(1);
    ASSERT_EQ(all.size(), 1U) << text;
    EXPECT_EQ(all[0].at("code"), "bad_request") << text;
    EXPECT_EQ(all[0].at("id"), 1) << text;
    EXPECT_EQ(all[0].at("fatal"), false) << text;
    now += 1s;
  }
  EXPECT_EQ(reply(1, R"({"id":-1,"type":"ping"})"), "bad_request");
  EXPECT_EQ(reply(1, R"({"id":{},"type":"ping"})"), "bad_request");
  EXPECT_EQ(reply(1, R"({"id":")" + std::string(65, 'x') + R"(","type":"ping"})"), "bad_request");
  EXPECT_EQ(reply(1, R"({"type":"join","room":"x","data":{"a":")" + std::string(2048, 'x') + "\"}}"), "bad_request");
  EXPECT_EQ(reply(1, R"({"type":"join","room":"x","data":{"name":")" + std::string(65, 'x') + "\"}}"), "bad_request");
  EXPECT_EQ(reply(1, R"({"type":"message","data":")" + std::string(4096, 'x') + "\"}"), "bad_request");
}

TEST_F(HubTest, RefusesIdsThatAreNotLegal) {
  enter(1, "ann");
  for (const std::string id : {"-a", "a-", " a", "a/b", "a\\nb", "\\u00e4"}) {
    EXPECT_EQ(reply(1, R"({"type":"join","room":")" + id + "\"}"), "invalid_id") << id;
  }
  EXPECT_EQ(reply(1, R"({"type":"join","room":")" + std::string(65, 'x') + "\"}"), "invalid_id");
  EXPECT_EQ(reply(1, R"({"type":"join","room":")" + std::string(64, 'x') + "\"}"), "joined");
  EXPECT_EQ(reply(1, R"({"type":"signal","to":"?","candidate":null})"), "invalid_id");
}

TEST_F(HubTest, WantsHelloFirstAndJoinBeforeSignals) {
  connect(1);
  EXPECT_EQ(reply(1, R"({"type":"join","room":"demo"})"), "bad_request");
  EXPECT_EQ(reply(1, R"({"type":"signal","to":"bob","candidate":null})"), "not_joined");
  EXPECT_EQ(reply(1, R"({"type":"hello"})"), "ready");
  EXPECT_EQ(reply(1, R"({"type":"leave","room":"demo"})"), "not_joined");
  EXPECT_EQ(reply(1, R"({"type":"update","room":"demo"})"), "not_joined");
  EXPECT_EQ(reply(1, R"({"type":"message","data":1})"), "not_joined");
}

TEST_F(HubTest, NeedsTheRoomFromWhoIsInSeveral) {
  enter(1, "ann");
  enter(2, "bob");
  say(1, R"({"type":"join","room":"other"})");
  EXPECT_EQ(reply(1, R"({"type":"signal","to":"bob","candidate":null})"), "bad_request");
  EXPECT_EQ(reply(1, R"({"type":"signal","to":"bob","room":"other","candidate":null})"), "peer_unavailable");
  EXPECT_EQ(reply(1, R"({"id":1,"type":"signal","to":"bob","room":"demo","candidate":null})"), "ack");
  EXPECT_EQ(reply(1, R"({"type":"signal","to":"ann","room":"demo","candidate":null})"), "peer_unavailable")
      << "not to oneself";
}

TEST_F(HubTest, TellsTheRoomWhenASocketIsLost) {
  enter(1, "ann");
  enter(2, "bob");
  got(1);
  hub().disconnect(now, ConnectionId(2));
  drain();
  const auto all = got(1);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].at("type"), "peer-left");
  EXPECT_EQ(all[0].at("reason"), "lost");
  EXPECT_EQ(reply(1, R"({"type":"signal","to":"bob","candidate":null})"), "peer_unavailable");
  hub().disconnect(now, ConnectionId(1));
  EXPECT_EQ(hub().rooms(), 0U);
}

TEST_F(HubTest, GivesATakenIdOnlyToWhoHasTheSecret) {
  connect(1);
  say(1, R"({"type":"hello","peer":"ann"})");
  const std::string secret(got(1)[1].at("resume").as_string());
  connect(2);
  say(2, R"({"type":"hello","peer":"ann","resume":{"token":"guess","seq":0}})");
  EXPECT_EQ(closed[2], 4005);
  connect(3);
  say(3, R"({"type":"hello","peer":"ann","resume":{"token":")" + secret + R"(","seq":0}})");
  EXPECT_EQ(closed[1], 4009);
  EXPECT_THAT(types(3), ElementsAre("welcome", "ready"));
  EXPECT_EQ(hub().peers(), 1U);
}

TEST_F(HubTest, PingsAndDropsWhoSaysNothing) {
  connect(1);
  say(1, R"({"type":"hello"})");
  got(1);
  pass(20s);
  EXPECT_THAT(types(1), ElementsAre("ping"));
  pass(24s);
  EXPECT_THAT(types(1), ElementsAre("ping"));
  EXPECT_FALSE(closed.contains(1));
  pass(1s);
  EXPECT_EQ(closed[1], 4012);
  EXPECT_EQ(hub().next_timeout(), never);
}

TEST_F(HubTest, KeepsWhoAnswersPings) {
  connect(1);
  say(1, R"({"type":"hello"})");
  for (int i = 0; i < 20; ++i) {
    pass(20s);
    say(1, R"({"type":"pong"})");
  }
  EXPECT_THAT(closed, IsEmpty());
}

TEST_F(HubTest, DropsWhoNeverSaysHello) {
  connect(1);
  pass(10s);
  EXPECT_EQ(closed[1], 4012);
}

TEST_F(HubTest, LimitsMessagesAndSaysWhenToTryAgain) {
  connect(1);
  say(1, R"({"type":"hello"})");
  got(1);
  for (int i = 0; i < 199; ++i) say(1, R"({"type":"ping"})");
  EXPECT_EQ(got(1).size(), 199U);
  say(1, R"({"type":"ping","id":5})");
  auto all = got(1);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].at("code"), "rate_limited");
  EXPECT_EQ(all[0].at("id"), 5);
  EXPECT_EQ(all[0].at("retryAfterMs"), 20);
  now += 20ms;
  EXPECT_EQ(reply(1, R"({"type":"ping"})"), "pong");
  for (int i = 0; i < 201; ++i) say(1, R"({"type":"ping"})");
  EXPECT_EQ(closed[1], 4006);
}

TEST_F(HubTest, LimitsConnectionsAndJoinsOfOneAddress) {
  options.limits.sockets_burst = 2;
  options.limits.joins_burst = 1;
  connect(1, "192.0.2.1");
  connect(2, "192.0.2.1");
  connect(3, "192.0.2.1");
  EXPECT_EQ(closed[3], 4006);
  connect(4, "192.0.2.2");
  EXPECT_FALSE(closed.contains(4));
  say(1, R"({"type":"hello"})");
  EXPECT_EQ(reply(1, R"({"type":"join","room":"a"})"), "joined");
  EXPECT_EQ(reply(1, R"({"type":"join","room":"b"})"), "rate_limited");
  now += 1s;
  EXPECT_EQ(reply(1, R"({"type":"join","room":"b"})"), "joined");
}

TEST_F(HubTest, RemembersABoundedNumberOfAddresses) {
  options.limits.max_addresses = 2;
  connect(1, "a");
  connect(2, "b");
  connect(3, "c");
  EXPECT_EQ(closed[3], 4006);
  now += 10s;
  connect(4, "c");
  EXPECT_FALSE(closed.contains(4)) << "the others used nothing lately";
}

TEST_F(HubTest, LimitsCandidatesUntilTheNextDescription) {
  options.limits.max_candidates = 3;
  enter(1, "ann");
  enter(2, "bob");
  const std::string two = R"({"id":1,"type":"signal","to":"bob","candidates":[{"candidate":"a"},null]})";
  EXPECT_EQ(reply(1, two), "ack");
  EXPECT_EQ(reply(1, two), "rate_limited");
  EXPECT_EQ(reply(1, R"({"id":1,"type":"signal","to":"bob","candidate":null})"), "ack");
  EXPECT_EQ(reply(1, R"({"id":1,"type":"signal","to":"bob","candidate":null})"), "rate_limited");
  EXPECT_EQ(reply(1, R"({"id":1,"type":"signal","to":"bob","description":{"type":"offer","sdp":""}})"), "ack");
  EXPECT_EQ(reply(1, two), "ack");
}

TEST_F(HubTest, SaysThatARoomOrTheServerIsFull) {
  options.limits.max_peers_per_room = 2;
  options.limits.max_sessions = 3;
  options.limits.max_rooms_per_peer = 1;
  enter(1, "ann");
  enter(2, "bob");
  connect(3);
  say(3, R"({"type":"hello"})");
  EXPECT_EQ(reply(3, R"({"type":"join","room":"demo"})"), "room_full");
  EXPECT_EQ(reply(1, R"({"type":"join","room":"second"})"), "bad_request");
  EXPECT_EQ(hub().rooms(), 1U) << "a refused join leaves no room behind";
  connect(4);
  EXPECT_EQ(closed[4], 4007);
  EXPECT_THAT(types(4), ElementsAre("server_full"));
}

TEST_F(HubTest, ClosesAReaderWhoseQueueIsFull) {
  options.limits.max_queue_messages = 10;
  enter(1, "ann");
  enter(2, "bob");
  got(1);
  for (int i = 0; i < 12; ++i) {
    hub().handle_text(now, ConnectionId(2), R"({"type":"message","to":"ann","data":1})");
  }
  drain();
  EXPECT_EQ(closed[1], 4006);
  EXPECT_LE(got(1).size(), 11U);
  EXPECT_EQ(hub().connections(), 1U) << "the writer stays";
}

TEST_F(HubTest, SendsEveryoneAwayWhenItShutsDown) {
  enter(1, "ann");
  enter(2, "bob");
  got(1);
  hub().shut_down(now);
  drain();
  EXPECT_THAT(types(1), ElementsAre("goaway", "going_away"));
  EXPECT_EQ(closed[1], 4008);
  EXPECT_EQ(closed[2], 4008);
  connect(3);
  EXPECT_EQ(closed[3], 4008);
  EXPECT_EQ(hub().next_timeout(), never);
}

}  // namespace
}  // namespace linnet::signaling
