#include "ice/turn/turn_client.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "ice/turn/testing_turn_client.hpp"

namespace linnet::ice::turn {
namespace {

using namespace std::chrono_literals;
using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;
using stun::Method;

TEST_F(TurnClientTest, AsksWithoutCredentialsFirstThenAsChallenged) {
  make();
  client->start(now);
  const auto first = next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->method(), Method::Allocate);
  EXPECT_EQ(first->u32(AttributeType::RequestedTransport), 17U << 24U);
  EXPECT_EQ(first->u32(AttributeType::AdditionalAddressFamily), 2U << 24U);
  EXPECT_FALSE(first->has(AttributeType::DontFragment));
  EXPECT_FALSE(first->has(AttributeType::Username));
  challenge(*first);
  const auto second = next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->text(AttributeType::Username), "user");
  EXPECT_EQ(second->text(AttributeType::Nonce), "nonce");
  EXPECT_TRUE(second->verify_integrity(key()));
  agree(*second, [](stun::MessageBuilder& m) { give(m); });
  EXPECT_TRUE(event<TurnClient::Allocated>());
  EXPECT_EQ(client->relayed(IpAddress::Family::V4), relayed);
  EXPECT_EQ(client->relayed(IpAddress::Family::V6), relayed_v6);
  EXPECT_EQ(client->mapped(), mapped);
  EXPECT_FALSE(next());
}

TEST_F(TurnClientTest, RepeatsOverUdpUntilItsTimeIsOver) {
  make();
  client->start(now);
  unsigned sent = 0;
  while (next()) ++sent;
  wait(4s);
  while (next()) ++sent;
  EXPECT_EQ(sent, 4U) << "at 0, 0.5, 1.5 and 3.5 s";
  wait(2s);
  const auto failed = event<TurnClient::Failed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, 701);
  EXPECT_EQ(client->next_timeout(), never);
}

TEST_F(TurnClientTest, RepeatsNothingOverAStream) {
  make(true);
  client->start(now);
  ASSERT_TRUE(next());
  wait(4s);
  EXPECT_FALSE(next());
  wait(2s);
  EXPECT_TRUE(event<TurnClient::Failed>());
}

struct Refusal {
  unsigned code;
  const char* words;
};
class TurnClientRefused : public TurnClientTest, public testing::WithParamInterface<Refusal> {};

TEST_P(TurnClientRefused, EndsWithTheCodeAndWordsThatSayWhy) {
  make();
  auto request = start();
  if (GetParam().code == 440) {  // First another family is tried.
    refuse(request, 440);
    request = *next();
  }
  refuse(request, GetParam().code);
  const auto failed = event<TurnClient::Failed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, GetParam().code);
  EXPECT_NE(failed->text.find(GetParam().words), std::string::npos) << failed->text;
  EXPECT_NE(failed->text.find("(because)"), std::string::npos) << failed->text;
  EXPECT_FALSE(next());
  EXPECT_EQ(client->next_timeout(), never);
  EXPECT_EQ(client->state(), TurnClient::State::Over);
}
INSTANTIATE_TEST_SUITE_P(Codes, TurnClientRefused,
                         testing::Values(Refusal{300, "another one"}, Refusal{400, "did not understand"},
                                         Refusal{403, "forbids"}, Refusal{420, "attribute"}, Refusal{440, "family"},
                                         Refusal{441, "another user"}, Refusal{442, "does not relay UDP"},
                                         Refusal{443, "another family"}, Refusal{486, "too many"},
                                         Refusal{500, "error of its own"}, Refusal{508, "no relay address"},
                                         Refusal{599, "refused"}),
                         [](const auto& test) { return std::to_string(test.param.code); });

TEST_F(TurnClientTest, AWrongPasswordIsNotTriedAgain) {
  make();
  challenge(start(), 401, "another nonce");
  const auto failed = event<TurnClient::Failed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, 401);
  EXPECT_NE(failed->text.find("user name or the password"), std::string::npos);
  EXPECT_FALSE(next());
}

TEST_F(TurnClientTest, AStaleNonceIsReplacedButNotForEver) {
  make();
  auto request = start();
  for (int i = 0; i < 3; ++i) {
    challenge(request, 438, "nonce " + std::to_string(i));
    request = *next();
    EXPECT_EQ(request.text(AttributeType::Nonce), "nonce " + std::to_string(i));
    EXPECT_TRUE(request.verify_integrity(key()));
  }
  challenge(request, 438, "one more");
  const auto failed = event<TurnClient::Failed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, 438);
}

TEST_F(TurnClientTest, TriesIpv6WhenTheServerHasNoIpv4) {
  make();
  refuse(start(), 440);
  const auto again = next();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->u32(AttributeType::RequestedAddressFamily), 2U << 24U);
  EXPECT_FALSE(again->has(AttributeType::AdditionalAddressFamily));
}

TEST_F(TurnClientTest, GivesAnAllocationBackThatItKnowsNothingOf) {
  make();
  refuse(start(), 437);
  const auto back = next();
  ASSERT_TRUE(back);
  EXPECT_EQ(back->method(), Method::Refresh);
  EXPECT_EQ(back->u32(AttributeType::Lifetime), 0U);
  agree(*back, [](stun::MessageBuilder& m) { m.u32(AttributeType::Lifetime, 0); });
  const auto again = next();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->method(), Method::Allocate);
  refuse(*again, 437);
  const auto failed = event<TurnClient::Failed>();
  ASSERT_TRUE(failed) << "once is enough";
  EXPECT_EQ(failed->code, 437);
}

TEST_F(TurnClientTest, TellsWhereAnotherServerIs) {
  make();
  client->start(now);
  const Endpoint other{IpAddress::v4({198, 51, 100, 2}), 3'479};
  refuse(*next(), 300, false, [&](stun::MessageBuilder& m) {
    m.address(AttributeType::AlternateServer, other).text(AttributeType::AlternateDomain, "other.example");
  });
  const auto alternate = event<TurnClient::Alternate>();
  ASSERT_TRUE(alternate);
  EXPECT_EQ(alternate->server, other);
  EXPECT_EQ(alternate->domain, "other.example");
  EXPECT_FALSE(next());
}

TEST_F(TurnClientTest, WordsOfTheServerAreBoundedAndPrintable) {
  make();
  client->start(now);
  (void)say(*next(), Class::Error, false, [](stun::MessageBuilder& m) {
    m.error_code(ErrorCode::Forbidden, "\x1b[31m" + std::string(700, 'x') + "\xff");
  });
  const auto failed = event<TurnClient::Failed>();
  ASSERT_TRUE(failed);
  EXPECT_LT(failed->text.size(), 200U);
  EXPECT_EQ(failed->text.find('\x1b'), std::string::npos);
}

// --- Answers that lie ------------------------------------------------------------------------------------------

TEST_F(TurnClientTest, DropsAnswersThatAreNotAuthentic) {
  make();
  const auto request = start();
  (void)say(request, Class::Success, false, [](stun::MessageBuilder& m) { give(m); });
  EXPECT_EQ(client->state(), TurnClient::State::Allocating);
  (void)say(request, Class::Success, false, [](stun::MessageBuilder& m) {
    give(m);
    m.integrity(stun::long_term_key("user", "realm", "guess"));
  });
  refuse(request, 486, false);
  EXPECT_EQ(client->state(), TurnClient::State::Allocating);
  EXPECT_EQ(client->statistics().forged, 3U);
  agree(request, [](stun::MessageBuilder& m) { give(m); });
  EXPECT_TRUE(event<TurnClient::Allocated>()) << "what the server itself says still counts";
}

TEST_F(TurnClientTest, TellsAtTheEndThatTheAnswersWereNotAuthentic) {
  make();
  (void)say(start(), Class::Success, false, [](stun::MessageBuilder& m) { give(m); });
  wait(6s);
  const auto failed = event<TurnClient::Failed>();
  ASSERT_TRUE(failed);
  EXPECT_NE(failed->text.find("authentic"), std::string::npos);
}

TEST_F(TurnClientTest, AnErrorWithoutIntegrityIsToldIfNothingBetterComes) {
  make();
  refuse(start(), 486, false);
  EXPECT_FALSE(client->poll_event());
  wait(6s);
  const auto failed = event<TurnClient::Failed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, 486);
}

TEST_F(TurnClientTest, DropsAnswersToNothingAndToOtherQuestions) {
  make();
  const auto request = start();
  std::vector<std::byte> out(500);
  stun::MessageBuilder other{out, Class::Success, Method::Allocate, {}};
  give(other);
  other.integrity(key());
  (void)client->handle_packet(now, std::span{out}.first(other.fingerprint().finish()));
  stun::MessageBuilder method{out, Class::Success, Method::Refresh, request.transaction_id()};
  give(method);
  method.integrity(key());
  (void)client->handle_packet(now, std::span{out}.first(method.fingerprint().finish()));
  EXPECT_EQ(client->state(), TurnClient::State::Allocating);
  EXPECT_EQ(client->statistics().unexpected, 2U);
}

TEST_F(TurnClientTest, UsesAServerThatWantsNoCredentials) {
  make();
  client->start(now);
  (void)say(*next(), Class::Success, false, [](stun::MessageBuilder& m) { give(m); });
  ASSERT_TRUE(event<TurnClient::Allocated>());
  client->permit(now, peer.address);
  const auto request = next();
  ASSERT_TRUE(request);
  EXPECT_FALSE(request->has(AttributeType::MessageIntegrity));
  (void)say(*request, Class::Success, false, [](stun::MessageBuilder&) {});
  auto bytes = indication(peer, "x");
  EXPECT_TRUE(client->handle_packet(now, bytes));
  client->close(now);
  const auto goodbye = next();
  ASSERT_TRUE(goodbye);
  EXPECT_EQ(goodbye->u32(AttributeType::Lifetime), 0U);
}

TEST_F(TurnClientTest, TakesNoUnsignedAnswerOnceCredentialsWereAskedFor) {
  make();
  (void)say(start(), Class::Success, false, [](stun::MessageBuilder& m) { give(m); });
  EXPECT_EQ(client->state(), TurnClient::State::Allocating);
}

TEST_F(TurnClientTest, AnAnswerThatCameTwiceCountsOnce) {
  make();
  const auto request = start();
  agree(request, [](stun::MessageBuilder& m) { give(m); });
  agree(request, [](stun::MessageBuilder& m) { give(m); });
  EXPECT_TRUE(event<TurnClient::Allocated>());
  EXPECT_FALSE(client->poll_event());
  EXPECT_EQ(client->statistics().unexpected, 1U);
}

TEST_F(TurnClientTest, RefusesAnAddressOrALifetimeThatIsOfNoUse) {
  const std::array<Write, 5> answers{
      [](stun::MessageBuilder& m) { m.u32(AttributeType::Lifetime, 600); }, [](stun::MessageBuilder& m) { give(m, 0); },
      [](stun::MessageBuilder& m) { give(m, 3); },
      [](stun::MessageBuilder& m) {
        m.xor_address(AttributeType::XorRelayedAddress, {IpAddress{}, 5}).u32(AttributeType::Lifetime, 600);
      },
      [](stun::MessageBuilder& m) {
        m.xor_address(AttributeType::XorRelayedAddress, {relayed.address, 0}).u32(AttributeType::Lifetime, 600);
      }};
  for (const Write& write : answers) {
    make();
    agree(start(), write);
    EXPECT_TRUE(event<TurnClient::Failed>());
    EXPECT_EQ(client->state(), TurnClient::State::Over);
    client->close(now);
    const auto goodbye = next();
    ASSERT_TRUE(goodbye) << "the server keeps it else";
    EXPECT_EQ(goodbye->method(), Method::Refresh);
    EXPECT_EQ(goodbye->u32(AttributeType::Lifetime), 0U);
    EXPECT_FALSE(next());
  }
}

TEST_F(TurnClientTest, RubbishIsCountedAndHarmless) {
  allocate();
  for (std::size_t size = 0; size < 64; ++size) {
    std::vector<std::byte> bytes(size, static_cast<std::byte>(size * 37));
    EXPECT_FALSE(client->handle_packet(now, bytes));
  }
  EXPECT_GT(client->statistics().malformed, 30U);
  EXPECT_EQ(client->state(), TurnClient::State::Allocated);
}

}  // namespace
}  // namespace linnet::ice::turn
