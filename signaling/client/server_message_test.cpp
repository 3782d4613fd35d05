#include "client/server_message.hpp"

#include <gtest/gtest.h>

namespace linnet::signaling {
namespace {

template <class T>
T read(std::string_view text) {
  const auto message = parse_server_message(text);
  if (!message || !std::holds_alternative<T>(*message)) {
    ADD_FAILURE() << text;
    return T{};
  }
  return std::get<T>(*message);
}

TEST(ServerMessage, IsNothingWhenItIsNoJsonObject) {
  for (const auto* text : {"", "[]", "1", "{", "{} x"}) EXPECT_FALSE(parse_server_message(text)) << text;
}

TEST(ServerMessage, IsUnknownWhenNewerThanWeAre) {
  read<UnknownMessage>(R"({})");
  read<UnknownMessage>(R"({"type":7})");
  read<UnknownMessage>(R"({"type":"tomorrow"})");
  read<UnknownMessage>(R"({"type":"signal","from":"a","tomorrow":{}})");
}

TEST(ServerMessage, ReadsWhoWeAre) {
  const auto message = read<ReadyMessage>(
      R"({"type":"ready","peer":"ann","session":"s","resume":"r","heartbeat":20000,)"
      R"("iceServers":[{"urls":"stun:a"},{"urls":["turn:b",1],"username":"u","credential":"c"},{"urls":[]},3]})");
  EXPECT_EQ(message.ready.peer, "ann");
  EXPECT_EQ(message.ready.session, "s");
  EXPECT_EQ(message.resume, "r");
  EXPECT_EQ(message.ready.heartbeat, std::chrono::seconds{20});
  ASSERT_EQ(message.ready.ice_servers.size(), 2U);
  EXPECT_EQ(message.ready.ice_servers[0].urls, std::vector<std::string>{"stun:a"});
  EXPECT_EQ(message.ready.ice_servers[1].urls, std::vector<std::string>{"turn:b"});
  EXPECT_EQ(message.ready.ice_servers[1].credential, "c");
}

TEST(ServerMessage, KeepsNumbersWithinTheirLimits) {
  EXPECT_EQ(read<ReadyMessage>(R"({"type":"ready","heartbeat":18446744073709551615})").ready.heartbeat,
            std::chrono::hours{24});
  EXPECT_EQ(read<JoinedMessage>(R"({"type":"joined","max":4294967297})").joined.max, 4'294'967'295U);
  EXPECT_EQ(read<GoAwayMessage>(R"({"type":"goaway","afterMs":1e15})").after, std::chrono::minutes{1});
  EXPECT_GT(read<PresenceMessage>(R"({"type":"peer-joined","since":18446744073709551615})").event.info.since, 0);
  EXPECT_EQ(read<PresenceMessage>(R"({"type":"peer-joined","since":-1})").event.info.since, 0);
}

TEST(ServerMessage, ReadsAnErrorOfTomorrowAsInternal) {
  const auto message = read<ErrorMessage>(R"({"type":"error","id":3,"code":"tomorrow","message":"m","fatal":true})");
  EXPECT_EQ(message.id, 3U);
  EXPECT_TRUE(message.fatal);
  EXPECT_EQ(message.error.code, ErrorCode::Internal);
  EXPECT_FALSE(read<ErrorMessage>(R"({"type":"error","fatal":"true"})").fatal);
}

TEST(ServerMessage, EchoesNothingButANumber) {
  EXPECT_EQ(read<PingMessage>(R"({"type":"ping","t":42})").t, 42);
  EXPECT_TRUE(read<PingMessage>(R"({"type":"ping","t":{"a":"b"}})").t.is_null());
  EXPECT_TRUE(read<PingMessage>(R"({"type":"ping"})").t.is_null());
}

}  // namespace
}  // namespace linnet::signaling
