#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "ice/turn/testing_turn_client.hpp"

// Answers of the server's own, which somebody has heard and says again.
namespace linnet::ice::turn {
namespace {

using stun::AttributeType;
using stun::Class;
using stun::Method;
using Bytes = std::vector<std::byte>;

class TurnClientReplay : public TurnClientTest {
 protected:
  /// The server's signed answer, as bytes.
  static Bytes answer(const stun::MessageView& request, Class kind, const Write& write) {
    Bytes out(500);
    stun::MessageBuilder m{out, kind, request.method(), request.transaction_id()};
    write(m);
    out.resize(m.integrity(key()).finish());
    return out;
  }
  void hear(Bytes bytes) { (void)client->handle_packet(now, bytes); }
  /// Under the number of another request: who has no key cannot do more.
  void hear_as_answer_to(const stun::MessageView& request, Bytes bytes) {
    std::ranges::copy(request.transaction_id().bytes, bytes.begin() + 8);
    hear(std::move(bytes));
  }
};

TEST_F(TurnClientReplay, OfAnAnswerIsNoneToTheNextRequest) {
  allocate();
  client->permit(now, peer.address);
  const Bytes granted = answer(*next(), Class::Success, [](stun::MessageBuilder&) {});
  hear(granted);
  const Endpoint other{IpAddress::v4({192, 0, 2, 8}), 6'000};
  client->permit(now, other.address);
  const auto request = *next();
  hear(granted);
  EXPECT_EQ(client->statistics().unexpected, 1U);
  hear_as_answer_to(request, granted);
  EXPECT_EQ(client->statistics().forged, 1U);
  agree(request);
  EXPECT_EQ(client->statistics().forged, 1U) << "the server's own still counts";
  EXPECT_FALSE(client->poll_event());
}

TEST_F(TurnClientReplay, OfAGoodbyeEndsNothing) {
  allocate();
  client->refresh(now);
  // The answer to a Refresh to lifetime 0, of another time.
  const auto request = *next();
  const Bytes over =
      answer(request, Class::Success, [](stun::MessageBuilder& m) { m.u32(AttributeType::Lifetime, 0); });
  agree(request, [](stun::MessageBuilder& m) { m.u32(AttributeType::Lifetime, 600); });
  hear(over);
  client->refresh(now);
  hear_as_answer_to(*next(), over);
  EXPECT_EQ(client->statistics().unexpected, 1U);
  EXPECT_EQ(client->statistics().forged, 1U);
  EXPECT_EQ(client->state(), TurnClient::State::Allocated);
}

TEST_F(TurnClientReplay, OfAnErrorEndsNothing) {
  allocate();
  client->refresh(now);
  const auto request = *next();
  const Bytes mismatch =
      answer(request, Class::Error, [](stun::MessageBuilder& m) { m.error_code(stun::ErrorCode::AllocationMismatch); });
  agree(request, [](stun::MessageBuilder& m) { m.u32(AttributeType::Lifetime, 600); });
  hear(mismatch);
  client->refresh(now);
  hear_as_answer_to(*next(), mismatch);
  EXPECT_EQ(client->statistics().forged, 1U);
  EXPECT_EQ(client->state(), TurnClient::State::Allocated);
  EXPECT_FALSE(client->poll_event());
}

TEST_F(TurnClientReplay, OfAChallengeBringsNoOldNonceBack) {
  allocate();
  client->refresh(now);
  auto request = *next();
  Bytes stale(500);
  stun::MessageBuilder m{stale, Class::Error, request.method(), request.transaction_id()};
  m.error_code(stun::ErrorCode::StaleNonce).text(AttributeType::Realm, "realm").text(AttributeType::Nonce, "old");
  stale.resize(m.finish());
  challenge(request, 438, "new");
  request = *next();
  ASSERT_EQ(request.text(AttributeType::Nonce), "new");
  hear(stale);
  EXPECT_EQ(client->statistics().unexpected, 1U);
  EXPECT_FALSE(next()) << "nothing is asked again";
  agree(request, [](stun::MessageBuilder& b) { b.u32(AttributeType::Lifetime, 600); });
  client->refresh(now);
  EXPECT_EQ(next()->text(AttributeType::Nonce), "new");
}

}  // namespace
}  // namespace linnet::ice::turn
