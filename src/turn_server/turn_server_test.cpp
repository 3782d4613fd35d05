#include "turn_server/turn_server.hpp"

#include <gmock/gmock.h>

#include "crypto/time_limited_password.hpp"
#include "turn_server/testing_rig.hpp"

namespace linnet::turn_server {
namespace {

using namespace testing;
using std::chrono::minutes;
using std::chrono::seconds;
using stun::Class;
using stun::Method;

using TurnServerTest = Rig;

TEST_F(TurnServerTest, TellsAnyoneTheAddressThatItSees) {
  const auto view = answer(ann_, ann_.binding());
  EXPECT_EQ(view.message_class(), Class::Success);
  EXPECT_EQ(view.mapped_address(), ann_.path.remote);
  EXPECT_TRUE(view.verify_fingerprint());
}

TEST_F(TurnServerTest, AnswersWithAFingerprintOnlyWhenAsked) {
  ann_.fingerprint = false;
  EXPECT_FALSE(answer(ann_, ann_.binding()).has_fingerprint());
}

TEST_F(TurnServerTest, AsksForCredentialsBeforeItAllocates) {
  const auto view = answer(ann_, ann_.allocate());
  EXPECT_EQ(view.error_code()->code, 401);
  EXPECT_EQ(view.text(AttributeType::Realm), "linnet");
  EXPECT_TRUE(view.has(AttributeType::Nonce));
  EXPECT_FALSE(view.has(AttributeType::MessageIntegrity));
  EXPECT_EQ(server().counters().refusals, 0U) << "that is how it begins";
}

TEST_F(TurnServerTest, GivesARelayToAUserWithThePassword) {
  greet(ann_);
  const auto view = answer(ann_, ann_.allocate());
  EXPECT_EQ(view.message_class(), Class::Success);
  EXPECT_EQ(view.xor_address(AttributeType::XorRelayedAddress), (Endpoint{relay_address, 50'000}));
  EXPECT_EQ(view.mapped_address(), ann_.path.remote);
  EXPECT_EQ(view.u32(AttributeType::Lifetime), 600U);
  EXPECT_TRUE(view.verify_integrity(ann_.key()));
  EXPECT_TRUE(view.verify_fingerprint());
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_EQ(asked_[0].client, ann_.path);
  EXPECT_EQ(server().allocations(), 1U);
}

TEST_F(TurnServerTest, RefusesAWrongPasswordAnUnknownUserAndAChangedMessage) {
  ann_.password = "pear";
  greet(ann_);
  EXPECT_EQ(code(ann_, ann_.allocate()), 401U);
  Client eve{path_of(3), "eve", "apple"};
  greet(eve);
  EXPECT_EQ(code(eve, eve.allocate()), 401U);
  greet(bob_);
  bob_.fingerprint = false;
  auto changed = bob_.allocate();
  changed[24] ^= std::byte{1};  // In REQUESTED-TRANSPORT.
  EXPECT_EQ(code(bob_, changed), 401U);
  EXPECT_EQ(server().allocations(), 0U);
  EXPECT_EQ(server().counters().refusals, 3U);
}

TEST_F(TurnServerTest, RefusesARequestThatSignsButDoesNotSayWho) {
  greet(ann_);
  for (const auto missing : {AttributeType::Username, AttributeType::Realm, AttributeType::Nonce}) {
    const auto signs = std::exchange(ann_.authenticated, false);
    ann_.fingerprint = false;
    const auto half = ann_.allocate([&](stun::MessageBuilder& out) {
      for (const auto& [type, text] :
           {std::pair{AttributeType::Username, ann_.username}, std::pair{AttributeType::Realm, ann_.realm},
            std::pair{AttributeType::Nonce, ann_.nonce}})
        if (type != missing) out.text(type, text);
      out.integrity(ann_.key());
    });
    ann_.authenticated = signs;
    EXPECT_EQ(code(ann_, half), 400U);
  }
}

TEST_F(TurnServerTest, RenewsANonceThatIsOldAndOneFromElsewhere) {
  greet(ann_);
  wait(minutes{61});
  const auto view = answer(ann_, ann_.allocate());
  EXPECT_EQ(view.error_code()->code, 438);
  EXPECT_FALSE(view.has(AttributeType::MessageIntegrity));
  ann_.learn(answer_);
  EXPECT_EQ(code(ann_, ann_.allocate()), 0U);

  Client thief{path_of(7), "ann", "apple"};
  thief.realm = ann_.realm;
  thief.nonce = ann_.nonce;
  EXPECT_EQ(code(thief, thief.allocate()), 438U);
}

TEST_F(TurnServerTest, TakesUsersOfTheSharedSecretUntilTheyExpire) {
  const auto name = std::to_string(1'000'000 + 3'600 + 60) + ":carl";  // The server's clock is at 1,000,000 + 1 h.
  Client carl{path_of(4), name, crypto::time_limited_password("north", name)};
  EXPECT_NE(allocate(carl), Endpoint{});
  Client late{path_of(5), name, carl.password};
  wait(seconds{60});
  greet(late);
  EXPECT_EQ(code(late, late.allocate()), 401U);
  EXPECT_EQ(code(carl, carl.refresh(600)), 0U) << "who has a relay keeps it";
  Client forger{path_of(6), "9999999:carl", crypto::time_limited_password("south", "9999999:carl")};
  greet(forger);
  EXPECT_EQ(code(forger, forger.allocate()), 401U);
}

TEST_F(TurnServerTest, FollowsTheWallClock) {
  const auto name = std::to_string(2'000'000) + ":carl";
  Client carl{path_of(4), name, crypto::time_limited_password("north", name)};
  greet(carl);
  server().set_unix_time(now_, seconds{2'000'001});
  EXPECT_EQ(code(carl, carl.allocate()), 401U);
  server().set_unix_time(now_, seconds{1'999'999});
  EXPECT_EQ(code(carl, carl.allocate()), 0U);
}

TEST_F(TurnServerTest, CountsUsersOfTheSecretByNameNotByExpiry) {
  auto few = options();
  few.max_allocations_per_user = 2;
  make(few);
  for (const auto& [host, expiry, expected] :
       {std::tuple{4, "2000000", 0U}, std::tuple{5, "2000001", 0U}, std::tuple{6, "2000002", 486U}}) {
    const auto name = std::string{expiry} + ":carl";
    Client carl{path_of(static_cast<std::uint8_t>(host)), name, crypto::time_limited_password("north", name)};
    greet(carl);
    EXPECT_EQ(code(carl, carl.allocate()), expected);
  }
  EXPECT_NE(allocate(ann_), Endpoint{}) << "another user has a quota of its own";
}

TEST_F(TurnServerTest, CountsTheAllocationsOfAnAddressWhateverTheirUsers) {
  auto few = options();
  few.max_allocations_per_address = 2;
  make(few);
  int n = 0;
  const auto as_new_user = [&](const IpAddress& from) {
    const auto name = "2000000:stranger" + std::to_string(++n);
    const Path path{
        .local = server_address, .remote = {from, static_cast<std::uint16_t>(4'000 + n)}, .protocol = Protocol::Udp};
    Client client{path, name, crypto::time_limited_password("north", name)};
    greet(client);
    return code(client, client.allocate());
  };
  for (const auto& [address, expected] : {std::pair{"203.0.113.1", 0U},
                                          {"203.0.113.1", 0U},
                                          {"203.0.113.1", 486U},
                                          {"203.0.113.2", 0U},
                                          {"2001:db8::1", 0U},
                                          {"2001:db8::9:1", 0U},
                                          {"2001:db8::2", 486U},
                                          {"2001:db8:0:1::1", 0U}})
    EXPECT_EQ(as_new_user(*IpAddress::parse(address)), expected) << address;
  wait(few.default_lifetime);
  EXPECT_EQ(as_new_user(*IpAddress::parse("203.0.113.1")), 0U) << "the old ones are over";
}

TEST_F(TurnServerTest, ChallengesAnAddressOnlySoOften) {
  auto few = options();
  few.max_challenges_per_second = 3;
  make(few);
  const auto answers = [&](const Path& path) {
    Client client{path, "ann", "apple"};
    return say(client, client.allocate()).size();
  };
  for (std::uint16_t port = 1; port <= 5; ++port) EXPECT_EQ(answers(path_of(1, port)), port <= 3 ? 1U : 0U);
  EXPECT_EQ(server().counters().unanswered, 2U);
  EXPECT_EQ(answers(path_of(2)), 1U);
  EXPECT_EQ(answers(path_of(1, 9, Protocol::Tcp)), 1U) << "nobody forges the address of a stream";
  Client stranger{path_of(1), "", ""};
  EXPECT_EQ(say(stranger, stranger.binding()).size(), 1U);
  wait(seconds{1});
  EXPECT_EQ(answers(path_of(1)), 1U);
}

TEST_F(TurnServerTest, ForgedRequestsDoNotKeepAClientFromItsNewNonce) {
  auto few = options();
  few.max_challenges_per_second = 3;
  few.nonce_lifetime = few.default_lifetime / 2;
  make(few);
  (void)allocate(ann_);
  wait(few.nonce_lifetime + seconds{1});
  for (std::uint16_t port = 1; port <= 5; ++port) {
    Client forged{path_of(1, port), "ann", "apple"};
    (void)say(forged, forged.allocate());
  }
  EXPECT_EQ(code(ann_, ann_.refresh(600)), 438U);
}

TEST_F(TurnServerTest, AnswersAnAddressThatProvesNothingOnlySoOften) {
  auto few = options();
  few.max_bindings_per_second = 3;
  few.max_challenges_per_second = 2;
  make(few);
  const auto answers = [&](std::uint16_t port, bool odd) {
    Client stranger{path_of(1, port), "", ""};
    const auto request =
        odd ? stranger.request(stun::Method::Binding,
                               [](stun::MessageBuilder& m) { m.attribute(static_cast<AttributeType>(0x7FFF), {}); })
            : stranger.binding();
    return say(stranger, request).size();
  };
  for (std::uint16_t port = 1; port <= 5; ++port) EXPECT_EQ(answers(port, false), port <= 3 ? 1U : 0U);
  for (std::uint16_t port = 1; port <= 5; ++port) EXPECT_EQ(answers(port, true), port <= 2 ? 1U : 0U) << "420";
  EXPECT_EQ(server().counters().unanswered, 5U);
  wait(seconds{1});
  EXPECT_EQ(answers(1, false), 1U);
}

TEST_F(TurnServerTest, HasRoomForSoManyAllocationsAndNoMore) {
  auto few = options();
  few.max_allocations = 2;
  make(few);
  for (const auto host : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}}) {
    Client client{path_of(host), "ann", "apple"};
    greet(client);
    EXPECT_EQ(code(client, client.allocate()), host < 3 ? 0U : 508U);
  }
  // Room again once one is over, though only when its socket is known to be closed.
  Client first{path_of(1), "ann", "apple"};
  greet(first);
  EXPECT_EQ(code(first, first.refresh(0)), 0U);
  Client third{path_of(3), "ann", "apple"};
  greet(third);
  EXPECT_EQ(code(third, third.allocate()), 0U);
}

TEST_F(TurnServerTest, AsksForNoMoreSocketsWhileNobodyClosesThem) {
  auto few = options();
  few.max_allocations = 2;
  make(few);
  greet(ann_);
  unsigned refused = 0;
  // Made and ended again and again, while the owner polls nothing.
  for (int i = 0; i < 20; ++i) {
    auto first = ann_.allocate();
    server().handle_datagram({.at = now_, .path = ann_.path, .bytes = first});
    server().relay_opened(now_, RelayId{static_cast<std::uint64_t>(i) + 1},
                          {{relay_address, next_port_}, {relay_address, next_port_}});
    ++next_port_;
    auto end = ann_.refresh(0);
    server().handle_datagram({.at = now_, .path = ann_.path, .bytes = end});
  }
  for (const Sent& sent : pump()) {
    const auto view = stun::MessageView::parse(sent.bytes);
    if (view->error_code() && view->error_code()->code == 508) ++refused;
  }
  EXPECT_EQ(closed_.size(), 4U);
  EXPECT_EQ(refused, 16U);
}

TEST_F(TurnServerTest, AnswersARepeatedAllocateAgainAndASecondOneNever) {
  greet(ann_);
  const auto once = ann_.allocate();
  EXPECT_EQ(code(ann_, once), 0U);
  const auto relayed = stun::MessageView::parse(answer_)->xor_address(AttributeType::XorRelayedAddress);
  EXPECT_EQ(code(ann_, once), 0U);
  EXPECT_EQ(stun::MessageView::parse(answer_)->xor_address(AttributeType::XorRelayedAddress), relayed);
  EXPECT_EQ(code(ann_, ann_.allocate()), 437U);
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(TurnServerTest, WaitsForTheRelayBeforeItAnswers) {
  open_relays_ = false;
  greet(ann_);
  const auto request = ann_.allocate();
  EXPECT_TRUE(say(ann_, request).empty());
  EXPECT_TRUE(say(ann_, request).empty()) << "again, while the socket is being opened";
  EXPECT_EQ(code(ann_, ann_.permit({peer_address})), 437U);
  ASSERT_EQ(asked_.size(), 1U);
  open(asked_[0]);
  EXPECT_EQ(pump().size(), 1U);
  EXPECT_EQ(code(ann_, ann_.permit({peer_address})), 0U);
}

TEST_F(TurnServerTest, SaysSoWhenNoSocketCouldBeOpened) {
  open_relays_ = false;
  greet(ann_);
  (void)say(ann_, ann_.allocate());
  server().relay_failed(now_, asked_.at(0).id);
  const auto sent = pump();
  ASSERT_EQ(sent.size(), 1U);
  const auto view = stun::MessageView::parse(sent[0].bytes);
  EXPECT_EQ(view->error_code()->code, 508);
  EXPECT_TRUE(view->verify_integrity(ann_.key()));
  EXPECT_EQ(server().allocations(), 0U);
  open_relays_ = true;
  EXPECT_EQ(code(ann_, ann_.allocate()), 0U);
}

TEST_F(TurnServerTest, KnowsOnlyUdpAndTheFamiliesThatItHas) {
  auto v4 = options();
  v4.ipv6 = false;
  make(v4);
  greet(ann_);
  const auto with = [&](AttributeType type, std::uint32_t value) {
    return code(ann_, ann_.allocate([&](stun::MessageBuilder& out) { out.u32(type, value); }));
  };
  EXPECT_EQ(code(ann_, ann_.request(Method::Allocate, [](auto&) {})), 400U) << "no REQUESTED-TRANSPORT";
  EXPECT_EQ(code(ann_, ann_.request(
                           Method::Allocate,
                           [](stun::MessageBuilder& out) { out.u32(AttributeType::RequestedTransport, 6U << 24U); })),
            442U);
  EXPECT_EQ(with(AttributeType::RequestedAddressFamily, 2U << 24U), 440U);
  EXPECT_EQ(with(AttributeType::RequestedAddressFamily, 7U << 24U), 440U);
  EXPECT_EQ(with(AttributeType::RequestedAddressFamily, 1U << 24U), 0U);
}

TEST_F(TurnServerTest, GivesIpv6WhenAskedAndOneFamilyToWhoWantsBoth) {
  greet(ann_);
  const auto six = answer(ann_, ann_.allocate([](stun::MessageBuilder& out) {
    out.u32(AttributeType::RequestedAddressFamily, 2U << 24U);
  }));
  EXPECT_TRUE(six.xor_address(AttributeType::XorRelayedAddress)->address.is_v6());
  greet(bob_);
  const auto both = answer(bob_, bob_.allocate([](stun::MessageBuilder& out) {
    out.u32(AttributeType::AdditionalAddressFamily, 2U << 24U);
  }));
  EXPECT_TRUE(both.xor_address(AttributeType::XorRelayedAddress)->address.is_v4());
  EXPECT_EQ(both.find(AttributeType::AddressErrorCode)->size(), 4U);
}

TEST_F(TurnServerTest, ReservesNoPortsButGivesAnEvenOne) {
  greet(ann_);
  const auto even = [&](std::uint8_t value) {
    return ann_.allocate(
        [&](stun::MessageBuilder& out) { out.attribute(AttributeType::EvenPort, std::array{std::byte{value}}); });
  };
  EXPECT_EQ(code(ann_, even(0x80)), 508U);
  EXPECT_EQ(code(ann_, ann_.allocate([](stun::MessageBuilder& out) { out.u64(AttributeType::ReservationToken, 1); })),
            508U);
  EXPECT_EQ(code(ann_, even(0)), 0U);
  EXPECT_TRUE(asked_.at(0).even_port);
}

TEST_F(TurnServerTest, NamesTheAttributesThatItDoesNotUnderstand) {
  greet(ann_);
  const auto view = answer(ann_, ann_.allocate([](stun::MessageBuilder& out) {
    out.flag(AttributeType::DontFragment).u32(static_cast<AttributeType>(0x7001), 5);
  }));
  EXPECT_EQ(view.error_code()->code, 420);
  const auto unknown = view.find(AttributeType::UnknownAttributes);
  ASSERT_TRUE(unknown);
  EXPECT_EQ(bytes(as_text(*unknown)), (Bytes{std::byte{0}, std::byte{0x1A}, std::byte{0x70}, std::byte{1}}));
  EXPECT_TRUE(view.verify_integrity(ann_.key()));
  ann_.authenticated = false;
  EXPECT_EQ(code(ann_, ann_.request(Method::Binding,
                                    [](stun::MessageBuilder& out) {
                                      out.u32(static_cast<AttributeType>(0x0003), 6);  // RFC 5780 CHANGE-REQUEST
                                    })),
            420U);
}

TEST_F(TurnServerTest, EndsAnAllocationWhenItIsNotRefreshed) {
  allocate(ann_);
  wait(minutes{9});
  EXPECT_EQ(code(ann_, ann_.refresh(600)), 0U);
  EXPECT_EQ(stun::MessageView::parse(answer_)->u32(AttributeType::Lifetime), 600U);
  wait(minutes{10} - seconds{1});
  EXPECT_EQ(server().allocations(), 1U);
  wait(seconds{1});
  EXPECT_EQ(server().allocations(), 0U);
  (void)pump();
  EXPECT_THAT(closed_, ::testing::ElementsAre(asked_.at(0).id));
  EXPECT_EQ(code(ann_, ann_.refresh(600)), 437U);
  EXPECT_EQ(server().next_timeout(), never);
}

TEST_F(TurnServerTest, KeepsLifetimesWithinItsLimits) {
  greet(ann_);
  const auto lifetime = [&](Bytes request) {
    EXPECT_EQ(code(ann_, std::move(request)), 0U);
    return stun::MessageView::parse(answer_)->u32(AttributeType::Lifetime).value_or(1);
  };
  EXPECT_EQ(lifetime(ann_.allocate([](stun::MessageBuilder& out) { out.u32(AttributeType::Lifetime, 0xFFFFFFFF); })),
            3'600U);
  EXPECT_EQ(lifetime(ann_.refresh(1)), 600U);
  EXPECT_EQ(lifetime(ann_.refresh(0xFFFFFFFF)), 3'600U);
  EXPECT_EQ(lifetime(ann_.refresh(0)), 0U);
  EXPECT_EQ(server().allocations(), 0U);
}

TEST_F(TurnServerTest, LetsOnlyWhoMadeAnAllocationUseIt) {
  allocate(ann_);
  Client other{ann_.path, "bob", "banana"};
  other.realm = ann_.realm;
  other.nonce = ann_.nonce;
  EXPECT_EQ(code(other, other.refresh(0)), 441U);
  EXPECT_EQ(code(other, other.permit({peer_address})), 441U);
  EXPECT_EQ(code(ann_, ann_.refresh(600)), 0U);
}

TEST_F(TurnServerTest, KeepsClientsOnOneAddressApartByPortAndProtocol) {
  const auto first = allocate(ann_);
  Client second{path_of(1, 4'001), "ann", "apple"};
  Client third{path_of(1, 4'000, Protocol::Tcp), "ann", "apple"};
  EXPECT_NE(allocate(second), first);
  EXPECT_NE(allocate(third), first);
  EXPECT_EQ(server().allocations(), 3U);
  server().disconnected(now_, third.path);
  EXPECT_EQ(server().allocations(), 2U) << "its stream is gone";
}

TEST_F(TurnServerTest, EndsWithCloseAndNeverSpeaksAgain) {
  allocate(ann_);
  server().handle_datagram({.at = now_, .path = ann_.path, .bytes = answer_});
  server().close(now_);
  EXPECT_TRUE(say(ann_, ann_.binding()).empty());
  EXPECT_TRUE(closed_.empty());
  EXPECT_EQ(server().allocations(), 0U);
  EXPECT_EQ(server().next_timeout(), never);
}

TEST_F(TurnServerTest, IgnoresWhatIsNeitherStunNorChannelData) {
  allocate(ann_);
  auto broken = ann_.binding();
  broken.back() ^= std::byte{1};  // The fingerprint.
  for (const Bytes& junk : {Bytes{}, Bytes{std::byte{0}}, bytes("GET / HTTP/1.1"), Bytes(20, std::byte{0}), broken,
                            Bytes{std::byte{0x40}}, Bytes{std::byte{0x40}, std::byte{0}, std::byte{0}, std::byte{9}},
                            Bytes(60, std::byte{0xFF}), Bytes(13, std::byte{22})})
    EXPECT_TRUE(say(ann_, junk).empty());
  EXPECT_EQ(server().counters().ignored, 9U);
}

TEST_F(TurnServerTest, DropsAnswersWhenNobodyPolls) {
  auto small = options();
  small.max_queued_bytes = 8'000;
  small.max_bindings_per_second = 1'000;
  make(small);
  auto request = ann_.binding();
  for (int i = 0; i < 1'000; ++i) server().handle_datagram({.at = now_, .path = ann_.path, .bytes = request});
  const auto sent = pump().size();
  EXPECT_GT(sent, 50U);
  EXPECT_LT(sent, 200U);
  EXPECT_EQ(server().counters().queue_full, 1'000 - sent);
}

}  // namespace
}  // namespace linnet::turn_server
