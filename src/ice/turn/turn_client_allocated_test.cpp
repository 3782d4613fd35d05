#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "ice/turn/channel_data.hpp"
#include "ice/turn/testing_turn_client.hpp"
#include "ice/turn/turn_client.hpp"

// What an allocation does while it lasts, and what goes through it.
namespace linnet::ice::turn {
namespace {

using namespace std::chrono_literals;
using stun::AttributeType;
using stun::Class;
using stun::Method;

// --- What lasts ------------------------------------------------------------------------------------------------

TEST_F(TurnClientTest, RefreshesAMinuteBeforeTheEnd) {
  allocate();
  wait(8min + 59s);
  while (const auto m = next()) EXPECT_EQ(m->message_class(), Class::Indication) << "only what keeps a mapping";
  wait(2s);
  const auto refresh = next();
  ASSERT_TRUE(refresh);
  EXPECT_EQ(refresh->method(), Method::Refresh);
  agree(*refresh, [](stun::MessageBuilder& m) { m.u32(AttributeType::Lifetime, 600); });
  wait(9min - 2s);
  EXPECT_EQ(client->state(), TurnClient::State::Allocated);
}

TEST_F(TurnClientTest, IsOverWhenTheServerNoLongerAnswers) {
  allocate();
  wait(9min + 50s);
  const auto failed = event<TurnClient::Failed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, 701);
  EXPECT_NE(failed->text.find("no longer answers"), std::string::npos);
}

TEST_F(TurnClientTest, IsOverWhenTheServerKnowsTheAllocationNoMore) {
  allocate();
  client->permit(now, peer.address);
  refuse(*next(), 437);
  const auto failed = event<TurnClient::Failed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, 437);
}

TEST_F(TurnClientTest, RenewsPermissionsAndChannelsWithinTheirTime) {
  allocate();
  bind(peer);
  unsigned permissions = 0;
  unsigned channels = 0;
  for (int minute = 0; minute < 60; ++minute) {
    wait(1min);
    while (const auto request = next()) {
      if (request->message_class() != Class::Request) continue;
      permissions += request->method() == Method::CreatePermission;
      channels += request->method() == Method::ChannelBind;
      agree(*request, [](stun::MessageBuilder& m) { m.u32(AttributeType::Lifetime, 600); });
    }
    ASSERT_TRUE(client->is_bound(peer)) << minute;
  }
  EXPECT_GE(permissions + channels, 13U);
  EXPECT_EQ(channels, 6U);
}

TEST_F(TurnClientTest, ReleasedPeersAreNotRenewed) {
  allocate();
  bind(peer);
  client->release(now, {});
  EXPECT_EQ(client->permissions(), 0U);
  wait(8min);
  while (const auto m = next()) EXPECT_EQ(m->message_class(), Class::Indication);
  // Until it runs out the number is the peer's.
  client->bind(now, peer);
  unsigned asked = 0;
  while (const auto m = next()) {
    asked += m->message_class() == Class::Request;
    if (m->method() != Method::ChannelBind) continue;
    EXPECT_EQ(m->u32(AttributeType::ChannelNumber), 0x4000'0000U);
  }
  EXPECT_GE(asked, 1U);
}

TEST_F(TurnClientTest, TellsOfAPeerThatTheServerForbids) {
  allocate();
  client->permit(now, peer.address);
  refuse(*next(), 403);
  const auto refused = event<TurnClient::Refused>();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->peer, peer.address);
  client->permit(now, peer.address);
  EXPECT_FALSE(next()) << "it has said no";
  auto bytes = indication(peer, "x");
  EXPECT_FALSE(client->handle_packet(now, bytes));
}

TEST_F(TurnClientTest, AsksForAForbiddenPeerAgainAfterItWasRefreshed) {
  allocate();
  client->permit(now, peer.address);
  refuse(*next(), 403);
  client->refresh(now);
  agree(*next(), [](stun::MessageBuilder& m) { m.u32(AttributeType::Lifetime, 600); });
  EXPECT_FALSE(next()) << "nobody wants it any more";
  client->permit(now, peer.address);
  const auto again = next();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->method(), Method::CreatePermission);
}

TEST_F(TurnClientTest, AsksAgainForAPermissionThatTheServerCouldNotGiveLessAndLessOften) {
  allocate();
  client->permit(now, peer.address);
  std::vector<TimePoint> asked;
  const TimePoint end = now + 10min;
  while (now < end) {
    while (const auto request = next()) {
      if (request->message_class() != Class::Request) continue;
      if (request->method() == Method::CreatePermission) {
        asked.push_back(now);
        refuse(*request, 508);
      } else {
        agree(*request, [](stun::MessageBuilder& m) { m.u32(AttributeType::Lifetime, 600); });
      }
    }
    wait(std::min(client->next_timeout(), end) - now);
  }
  ASSERT_GT(asked.size(), 8U);
  EXPECT_LT(asked.size(), 20U);
  EXPECT_EQ(asked[1] - asked[0], 1s);
  EXPECT_EQ(asked[2] - asked[1], 2s);
  EXPECT_EQ(asked.back() - asked[asked.size() - 2], 1min);
  EXPECT_FALSE(event<TurnClient::Refused>()) << "checks go on meanwhile";
}

TEST_F(TurnClientTest, AsksAgainForAPermissionThatWasNeverAnswered) {
  allocate();
  client->permit(now, peer.address);
  const auto first = next()->transaction_id();
  std::optional<stun::MessageView> again;
  for (int i = 0; i < 60 && !again; ++i) {
    wait(1s);
    while (const auto request = next()) {
      if (request->method() == Method::CreatePermission && request->transaction_id() != first) {
        again = request;
        agree(*request);
        break;
      }
    }
  }
  ASSERT_TRUE(again);
  auto bytes = indication(peer, "x");
  EXPECT_TRUE(client->handle_packet(now, bytes));
}

TEST_F(TurnClientTest, AChannelThatIsRefusedLeavesTheLongWay) {
  allocate();
  permit(peer);
  client->bind(now, peer);
  refuse(*next(), 400);
  EXPECT_FALSE(client->is_bound(peer));
  EXPECT_EQ(client->room_before(peer), 36U);
  EXPECT_EQ(client->state(), TurnClient::State::Allocated);
}

TEST_F(TurnClientTest, PeersAreBounded) {
  allocate();
  unsigned taken = 0;
  for (int i = 0; i < 1'000; ++i)
    taken +=
        client->permit(now, IpAddress::v4({10, 1, static_cast<std::uint8_t>(i / 256), static_cast<std::uint8_t>(i)}));
  EXPECT_EQ(taken, Options{}.max_permissions);
  EXPECT_EQ(client->permissions(), Options{}.max_permissions);
  while (next()) {
  }
  client->release(now, std::array{peer});
  EXPECT_TRUE(client->permit(now, peer.address));
}

TEST_F(TurnClientTest, ClosingSaysGoodbyeOnce) {
  allocate();
  bind(peer);
  client->close(now);
  const auto goodbye = next();
  ASSERT_TRUE(goodbye);
  EXPECT_EQ(goodbye->method(), Method::Refresh);
  EXPECT_EQ(goodbye->u32(AttributeType::Lifetime), 0U);
  EXPECT_TRUE(goodbye->verify_integrity(key()));
  EXPECT_FALSE(next());
  EXPECT_EQ(client->next_timeout(), never);
  client->close(now);
  client->permit(now, peer.address);
  EXPECT_FALSE(next());
}

// --- Data ------------------------------------------------------------------------------------------------------

TEST_F(TurnClientTest, SendsByIndicationUntilTheChannelIsThere) {
  allocate();
  permit(peer);
  const auto packet = wrapped(peer, "hello");
  const auto m = stun::MessageView::parse(packet);
  ASSERT_TRUE(m);
  EXPECT_EQ(m->method(), Method::Send);
  EXPECT_EQ(m->message_class(), Class::Indication);
  EXPECT_EQ(m->xor_address(AttributeType::XorPeerAddress), peer);
  EXPECT_EQ(m->text(AttributeType::Data), "hello");
  EXPECT_EQ(packet.size() % 4, 0U);
  bind(peer);
  const auto in_channel = wrapped(peer, "hello");
  EXPECT_EQ(in_channel.size(), 9U) << "over UDP without padding";
  EXPECT_EQ(load_be<std::uint16_t>(in_channel.data()), 0x4000);
  EXPECT_EQ(load_be<std::uint16_t>(in_channel.data() + 2), 5);
}

TEST_F(TurnClientTest, WrapsForIpv6PeersToo) {
  allocate();
  permit(peer_v6);
  const auto packet = wrapped(peer_v6, "hello!");
  const auto m = stun::MessageView::parse(packet);
  ASSERT_TRUE(m);
  EXPECT_EQ(m->xor_address(AttributeType::XorPeerAddress), peer_v6);
  EXPECT_EQ(m->text(AttributeType::Data), "hello!");
}

TEST_F(TurnClientTest, LeavesThePaddingOfStreamsToTheirFraming) {
  allocate(true);
  bind(peer);
  EXPECT_EQ(wrapped(peer, "hello").size(), 9U);
}

TEST_F(TurnClientTest, TakesDataOfPermittedPeersOnly) {
  allocate();
  permit(peer);
  auto bytes = indication(peer, "hello");
  const auto data = client->handle_packet(now, bytes);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->peer, peer);
  EXPECT_EQ(as_text(data->bytes), "hello");
  EXPECT_GE(data->bytes.data(), bytes.data()) << "in place";
  auto stranger = indication({IpAddress::v4({192, 0, 2, 99}), 1}, "hello");
  EXPECT_FALSE(client->handle_packet(now, stranger));
  auto wrong = indication(peer, "hello", Method::Send);
  EXPECT_FALSE(client->handle_packet(now, wrong));
  EXPECT_EQ(client->statistics().unexpected, 2U);
}

TEST_F(TurnClientTest, TakesChannelDataOfKnownChannelsOnly) {
  allocate();
  bind(peer);
  auto packet = wrapped(peer, "hello");
  const auto data = client->handle_packet(now, packet);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->peer, peer);
  EXPECT_EQ(as_text(data->bytes), "hello");
  packet.resize(12);  // Padding, as a stream has it.
  EXPECT_EQ(client->handle_packet(now, packet)->bytes.size(), 5U);
  store_be(packet.data(), std::uint16_t{0x4001});
  EXPECT_FALSE(client->handle_packet(now, packet));
  store_be(packet.data(), std::uint16_t{0x4000});
  store_be(packet.data() + 2, std::uint16_t{9});
  EXPECT_FALSE(client->handle_packet(now, packet)) << "longer than it is";
  store_be(packet.data(), std::uint16_t{0x5000});
  EXPECT_FALSE(client->handle_packet(now, packet)) << "RFC 8656 section 12 ends at 0x4FFF";
}

}  // namespace
}  // namespace linnet::ice::turn
