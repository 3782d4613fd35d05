#include <gtest/gtest.h>

#include "sim/ice/scripted_peer.hpp"

// Which requests and responses are believed (RFC 8489 sections 6.3 and 9.1), and what the others are told.

namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using Check = ScriptedPeer::Check;

constexpr std::uint8_t stranger = 99;

/// An error's code; 0: it is none.
std::uint16_t code_of(const ScriptedPeer::Message& bytes) {
  const auto message = stun::MessageView::parse(bytes);
  if (!message || message->message_class() != stun::Class::Error || !message->verify_fingerprint()) return 0;
  const auto error = message->error_code();
  return error ? error->code : std::uint16_t{0};
}

TEST(IceAuthentication, ACheckWithAttributesThatMustBeUnderstoodIsToldWhichOnesAreNot) {
  ScriptedPeer peer;
  peer.describe();
  const Path path = peer.path_from(stranger);
  // The last one need not be understood.
  const auto response = peer.check(path, {.use_candidate = true, .unknown = {0x7ffe, 0x0031, 0xfffe}});
  ASSERT_EQ(code_of(response), 420);
  const auto message = stun::MessageView::parse(response);
  EXPECT_TRUE(message->verify_integrity(as_bytes(peer.agent.local_credentials().pwd)));
  const auto types = message->find(stun::AttributeType::UnknownAttributes);
  ASSERT_TRUE(types);
  ASSERT_EQ(types->size(), 4U);
  EXPECT_EQ(load_be<std::uint16_t>(types->data()), 0x7ffe);
  EXPECT_EQ(load_be<std::uint16_t>(types->data() + 2), 0x0031);
  EXPECT_EQ(peer.agent.statistics().unknown_attributes, 1U);
  EXPECT_TRUE(peer.agent.remote_candidates().empty());
  EXPECT_TRUE(peer.agent.pairs().empty());
}

TEST(IceAuthentication, ACheckWithAttributesThatNeedNotBeUnderstoodIsServed) {
  ScriptedPeer peer;
  peer.describe();
  const Path path = peer.path_from(stranger);
  const auto response = peer.check(path, {.unknown = {0xfffe}});
  const auto message = stun::MessageView::parse(response);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->message_class(), stun::Class::Success);
  EXPECT_EQ(peer.agent.statistics().unknown_attributes, 0U);
  EXPECT_NE(peer.pair(path), nullptr);
}

TEST(IceAuthentication, RequestsOfWhoeverDoesNotKnowThePasswordAreRefused) {
  ScriptedPeer peer;
  peer.describe();
  const Path path = peer.path_from(stranger);
  const std::string ufrag = peer.agent.local_credentials().ufrag;
  struct Case {
    Check check;
    std::uint16_t code;
  };
  const std::array cases{
      Case{{.use_candidate = true, .has_integrity = false}, 400},
      Case{{.use_candidate = true, .has_username = false}, 400},
      Case{{.use_candidate = true, .password = "aGuessedPasswordOf24ch+"}, 401},
      // Who cannot prove that he is the peer learns nothing of what is understood here.
      Case{{.use_candidate = true, .unknown = {0x7ffe}, .password = "aGuessedPasswordOf24ch+"}, 401},
      Case{{.use_candidate = true, .username = "nobody:" + peer.credentials.ufrag}, 401},
      Case{{.use_candidate = true, .username = ufrag}, 401},
  };
  std::uint64_t refused = 0;
  for (const Case& bad : cases) {
    const auto response = peer.check(path, bad.check);
    EXPECT_EQ(code_of(response), bad.code) << refused;
    const auto message = stun::MessageView::parse(response);
    ASSERT_TRUE(message);
    EXPECT_FALSE(message->has(stun::AttributeType::MessageIntegrity));
    EXPECT_FALSE(message->has(stun::AttributeType::UnknownAttributes));
    EXPECT_EQ(peer.agent.statistics().unauthenticated, ++refused);
  }
  EXPECT_TRUE(peer.agent.remote_candidates().empty());
  EXPECT_TRUE(peer.agent.pairs().empty());
  peer.nominate(path);
  EXPECT_TRUE(peer.answer(path));
  EXPECT_EQ(peer.agent.selected(), path);
}

TEST(IceAuthentication, AResponseWithAnAttributeThatMustBeUnderstoodIsNone) {
  ScriptedPeer peer;
  peer.describe();
  const Path path = peer.add_candidate(2, 1'000);
  std::uint64_t answers = 0;
  for (int i = 0; i < 60; ++i) {
    if (peer.answer(path, std::uint16_t{0x7ffe})) ++answers;
    peer.run_for(1s);
  }
  EXPECT_GT(answers, 1U);  // It was asked again.
  EXPECT_EQ(peer.agent.statistics().unknown_attributes, answers);
  EXPECT_FALSE(peer.agent.selected());
  EXPECT_EQ(peer.pair(path)->state, PairState::Failed);
}

}  // namespace
}  // namespace linnet::ice
