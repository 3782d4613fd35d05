#include <gtest/gtest.h>

#include "turn_server/testing_rig.hpp"

// What others have heard and say again, and what nobody was asked for.
namespace linnet::turn_server {
namespace {

using namespace testing;

class TurnServerForgery : public Rig {
 protected:
  void SetUp() override {
    relayed_ = allocate(ann_);
    ASSERT_EQ(code(ann_, ann_.permit({peer_address})), 0U);
  }
  /// Whether ann's relay carries what she says.
  [[nodiscard]] bool works() {
    const auto out = say(ann_, ann_.send(peer_address, bytes("hello")));
    return out.size() == 1 && out[0].path == Path{relayed_, peer_address};
  }
  Endpoint relayed_;
};

TEST_F(TurnServerForgery, WhatWasHeardIsWorthNothingFromAnotherAddress) {
  const Endpoint elsewhere{peer_address.address, 9};
  const std::array heard{ann_.allocate(), ann_.refresh(0), ann_.permit({elsewhere}), ann_.bind(0x4000, elsewhere)};
  for (const Path& from : {path_of(7), path_of(1, 4'001), path_of(1, 4'000, Protocol::Tcp)}) {
    const Client thief{from, "ann", "apple"};
    for (const Bytes& request : heard) {
      EXPECT_EQ(code(thief, request), 438U) << "the nonce is another client's";
      EXPECT_FALSE(stun::MessageView::parse(answer_)->has(AttributeType::MessageIntegrity));
    }
  }
  EXPECT_TRUE(works());
  EXPECT_TRUE(closed_.empty());
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(TurnServerForgery, WhatWasHeardIsWorthNothingUnderAnotherNumberOrChanged) {
  Bytes request = ann_.refresh(600);
  request[10] ^= std::byte{1};
  // With a fingerprint that fits, as that is no secret.
  request.resize(request.size() - 8);
  store_be(request.data() + 2, static_cast<std::uint16_t>(request.size() - stun::header_size));
  EXPECT_EQ(code(ann_, request), 401U);
  request[10] ^= std::byte{1};
  request[stun::header_size + 7] = std::byte{0};  // Lifetime 0.
  request[stun::header_size + 6] = std::byte{0};
  EXPECT_EQ(code(ann_, request), 401U);
  EXPECT_TRUE(works());
}

TEST_F(TurnServerForgery, WhatWasHeardIsWorthNothingAfterItsNonce) {
  const Bytes refresh = ann_.refresh(0);
  wait(std::chrono::minutes{9});
  ASSERT_EQ(code(ann_, ann_.refresh(3'600)), 0U);
  wait(std::chrono::minutes{53});
  EXPECT_EQ(code(ann_, refresh), 438U);
  ann_.learn(answer_);
  ASSERT_EQ(code(ann_, ann_.permit({peer_address})), 0U);
  EXPECT_TRUE(works());
}

TEST_F(TurnServerForgery, IndicationsAndChannelDataOfNobodyAreCarriedNowhere) {
  Client nobody{path_of(7), "ann", "apple"};
  EXPECT_TRUE(say(nobody, nobody.send(peer_address, bytes("hello"))).empty());
  EXPECT_TRUE(say(nobody, Client::channel_data(0x4000, bytes("hello"))).empty());
  ASSERT_EQ(code(ann_, ann_.bind(0x4000, peer_address)), 0U);
  EXPECT_TRUE(say(nobody, Client::channel_data(0x4000, bytes("hello"))).empty()) << "it is ann's";
  EXPECT_TRUE(say(ann_, Client::channel_data(0x4001, bytes("hello"))).empty()) << "it is nobody's";
  EXPECT_TRUE(say(ann_, Client::channel_data(0x7FFF, bytes("hello"))).empty());
  EXPECT_TRUE(works());
}

TEST_F(TurnServerForgery, AnswersAndDataIndicationsAreIgnored) {
  for (const stun::Class kind : {stun::Class::Success, stun::Class::Error, stun::Class::Indication}) {
    for (const stun::Method method : {stun::Method::Binding, stun::Method::Allocate, stun::Method::Refresh,
                                      stun::Method::CreatePermission, stun::Method::Data}) {
      for (const Path& from : {ann_.path, path_of(7)}) {
        Bytes out(300);
        stun::MessageBuilder m{out, kind, method, {}};
        m.u32(AttributeType::Lifetime, 0).xor_address(AttributeType::XorPeerAddress, peer_address);
        m.text(AttributeType::Data, "hello").integrity(ann_.key());
        out.resize(m.fingerprint().finish());
        EXPECT_TRUE(say(from, out).empty());
      }
    }
  }
  EXPECT_TRUE(works());
  EXPECT_TRUE(closed_.empty());
}

}  // namespace
}  // namespace linnet::turn_server
