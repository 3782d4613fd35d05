// What flows through relays.
#include <gmock/gmock.h>

#include "turn_server/testing_rig.hpp"

namespace linnet::turn_server {
namespace {

using namespace testing;
using std::chrono::minutes;
using std::chrono::seconds;
using stun::Class;
using stun::Method;

class TurnRelayTest : public Rig {
 protected:
  void SetUp() override { relayed_ = allocate(ann_); }

  std::vector<Sent> from_peer(std::string_view text, const Endpoint& peer = peer_address) {
    return say({.local = relayed_, .remote = peer}, bytes(text));
  }
  static std::string text(const Sent& sent) { return std::string{as_text(sent.bytes)}; }

  Endpoint relayed_;
};

TEST_F(TurnRelayTest, CarriesDataBothWaysOnceThePeerIsPermitted) {
  ASSERT_EQ(code(ann_, ann_.permit({peer_address})), 0U);
  const auto out = say(ann_, ann_.send(peer_address, bytes("hello")));
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].path, (Path{relayed_, peer_address}));
  EXPECT_EQ(text(out[0]), "hello");

  const auto in = from_peer("hi");
  ASSERT_EQ(in.size(), 1U);
  EXPECT_EQ(in[0].path, ann_.path);
  const auto view = stun::MessageView::parse(in[0].bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->message_class(), Class::Indication);
  EXPECT_EQ(view->method(), Method::Data);
  EXPECT_EQ(view->xor_address(AttributeType::XorPeerAddress), peer_address);
  EXPECT_EQ(view->text(AttributeType::Data), "hi");
}

TEST_F(TurnRelayTest, CarriesNothingWithoutAPermission) {
  EXPECT_TRUE(say(ann_, ann_.send(peer_address, bytes("hello"))).empty());
  EXPECT_TRUE(from_peer("hi").empty());
  EXPECT_EQ(server().counters().not_permitted, 2U);
}

TEST_F(TurnRelayTest, PermitsAnAddressWhateverItsPort) {
  ASSERT_EQ(code(ann_, ann_.permit({{peer_address.address, 1}})), 0U);
  EXPECT_EQ(from_peer("hi", {peer_address.address, 9}).size(), 1U);
  EXPECT_TRUE(from_peer("hi", {IpAddress::v4({203, 0, 113, 10}), 1}).empty());
}

TEST_F(TurnRelayTest, ForgetsAPermissionAfterFiveMinutes) {
  ASSERT_EQ(code(ann_, ann_.permit({peer_address})), 0U);
  wait(minutes{4});
  ASSERT_EQ(code(ann_, ann_.permit({peer_address})), 0U);
  wait(minutes{5} - seconds{1});
  EXPECT_EQ(from_peer("hi").size(), 1U);
  wait(seconds{1});
  EXPECT_TRUE(from_peer("hi").empty()) << "traffic keeps nothing alive";
}

TEST_F(TurnRelayTest, CarriesChannelDataBothWays) {
  ASSERT_EQ(code(ann_, ann_.bind(0x4000, peer_address)), 0U);
  const auto out = say(ann_, Client::channel_data(0x4000, bytes("hello")));
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].path, (Path{relayed_, peer_address}));
  EXPECT_EQ(text(out[0]), "hello");
  const auto in = from_peer("hi");
  ASSERT_EQ(in.size(), 1U);
  EXPECT_EQ(in[0].bytes, Client::channel_data(0x4000, bytes("hi")));
  // From another port of the peer: permitted, but not that channel.
  const auto other = from_peer("hi", {peer_address.address, 9});
  ASSERT_EQ(other.size(), 1U);
  EXPECT_TRUE(stun::MessageView::parse(other[0].bytes));
}

TEST_F(TurnRelayTest, TakesChannelDataWithPaddingAndWithoutButNotCutShort) {
  ASSERT_EQ(code(ann_, ann_.bind(0x4001, peer_address)), 0U);
  auto padded = Client::channel_data(0x4001, bytes("hello"));
  padded.resize(12);
  const auto out = say(ann_, padded);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(text(out[0]), "hello");
  auto cut = Client::channel_data(0x4001, bytes("hello"));
  cut.pop_back();
  EXPECT_TRUE(say(ann_, cut).empty());
}

TEST_F(TurnRelayTest, BindsANumberToOnePeerAndAPeerToOneNumber) {
  const Endpoint other{peer_address.address, 6'000};
  EXPECT_EQ(code(ann_, ann_.bind(0x4000, peer_address)), 0U);
  EXPECT_EQ(code(ann_, ann_.bind(0x4000, peer_address)), 0U) << "renewed";
  EXPECT_EQ(code(ann_, ann_.bind(0x4000, other)), 400U);
  EXPECT_EQ(code(ann_, ann_.bind(0x4001, peer_address)), 400U);
  EXPECT_EQ(code(ann_, ann_.bind(0x4001, other)), 0U);
  EXPECT_EQ(code(ann_, ann_.bind(0x3FFF, {peer_address.address, 7})), 400U);
  EXPECT_EQ(code(ann_, ann_.bind(0x8000, {peer_address.address, 7})), 400U);
  EXPECT_EQ(code(ann_, ann_.request(Method::ChannelBind, [](auto&) {})), 400U);
}

TEST_F(TurnRelayTest, ForgetsAChannelAfterTenMinutes) {
  ASSERT_EQ(code(ann_, ann_.refresh(3'600)), 0U);
  ASSERT_EQ(code(ann_, ann_.bind(0x4000, peer_address)), 0U);
  wait(minutes{10});
  ASSERT_EQ(code(ann_, ann_.permit({peer_address})), 0U);
  EXPECT_TRUE(say(ann_, Client::channel_data(0x4000, bytes("hello"))).empty());
  EXPECT_TRUE(stun::MessageView::parse(from_peer("hi").at(0).bytes)) << "a Data indication again";
  EXPECT_EQ(code(ann_, ann_.bind(0x4001, peer_address)), 0U) << "and the peer is free";
}

TEST_F(TurnRelayTest, ReachesNoPrivateAddressUnlessAllowed) {
  const Endpoint inside{IpAddress::v4({192, 168, 1, 1}), 53};
  const Endpoint self{IpAddress::v4({127, 0, 0, 1}), 53};
  for (const Endpoint& peer : {inside, self}) {
    EXPECT_EQ(code(ann_, ann_.permit({peer})), 403U);
    EXPECT_EQ(code(ann_, ann_.bind(0x4000, peer)), 403U);
    EXPECT_TRUE(say(ann_, ann_.send(peer, bytes("hello"))).empty());
    EXPECT_TRUE(from_peer("hi", peer).empty());
  }
  auto open = options();
  open.peers = {.allow_private = true};
  make(open);
  relayed_ = allocate(bob_);
  EXPECT_EQ(code(bob_, bob_.permit({inside})), 0U);
  EXPECT_EQ(code(bob_, bob_.permit({self})), 403U);
}

TEST_F(TurnRelayTest, ReachesNoAddressThatTheMachineGotLater) {
  EXPECT_EQ(code(ann_, ann_.permit({peer_address})), 0U);
  server().set_own_addresses({peer_address.address});
  EXPECT_EQ(code(ann_, ann_.permit({peer_address})), 403U);
}

TEST_F(TurnRelayTest, ReachesNothingOnTheServerItselfButItsRelays) {
  auto own = options();
  own.peers.own = {relay_address};
  make(own);
  ann_.nonce.clear();
  const Endpoint mine = allocate(ann_);
  const Endpoint theirs = allocate(bob_);
  const Endpoint dns{relay_address, 53};
  // Permitted are addresses; what has no relay there stays out of reach.
  ASSERT_EQ(code(ann_, ann_.permit({theirs})), 0U);
  EXPECT_TRUE(say(ann_, ann_.send(dns, bytes("query"))).empty());
  EXPECT_TRUE(say(ann_, ann_.send(server_address, ann_.binding())).empty());
  EXPECT_EQ(server().counters().not_permitted, 2U);
  ASSERT_EQ(code(bob_, bob_.permit({mine})), 0U);
  EXPECT_EQ(say(ann_, ann_.send(theirs, bytes("hello"))).size(), 1U);
}

TEST_F(TurnRelayTest, PermitsAllPeersOfARequestOrNone) {
  EXPECT_EQ(code(ann_, ann_.permit({peer_address, {IpAddress::v4({10, 0, 0, 1}), 1}})), 403U);
  EXPECT_TRUE(from_peer("hi").empty());
  EXPECT_EQ(code(ann_, ann_.permit({})), 400U);
  EXPECT_EQ(code(ann_, ann_.permit({peer_address, {IpAddress::v4({203, 0, 113, 10}), 1}})), 0U);
  EXPECT_EQ(from_peer("hi", {IpAddress::v4({203, 0, 113, 10}), 1}).size(), 1U);
}

TEST_F(TurnRelayTest, TakesPeersOfItsOwnFamilyOnly) {
  const Endpoint six{*IpAddress::parse("2001:db8::7"), 5'000};
  EXPECT_EQ(code(ann_, ann_.permit({six})), 443U);
  EXPECT_EQ(code(ann_, ann_.bind(0x4000, six)), 443U);
  EXPECT_EQ(code(ann_, ann_.request(Method::Refresh,
                                    [](stun::MessageBuilder& out) {
                                      out.u32(AttributeType::RequestedAddressFamily, 2U << 24U);
                                    })),
            443U);
}

TEST_F(TurnRelayTest, HasRoomForSoManyPermissionsAndChannels) {
  auto few = options();
  few.max_permissions = 3;
  few.max_channels = 2;
  make(few);
  relayed_ = allocate(bob_);
  const auto peer = [](std::uint8_t host, std::uint16_t port) {
    return Endpoint{IpAddress::v4({203, 0, 113, host}), port};
  };
  EXPECT_EQ(code(bob_, bob_.bind(0x4000, peer(1, 1))), 0U);
  EXPECT_EQ(code(bob_, bob_.bind(0x4001, peer(1, 2))), 0U);
  EXPECT_EQ(code(bob_, bob_.bind(0x4002, peer(1, 3))), 508U);
  EXPECT_EQ(code(bob_, bob_.permit({peer(2, 1), peer(3, 1)})), 0U);
  EXPECT_EQ(code(bob_, bob_.permit({peer(4, 1)})), 508U);
  wait(minutes{5});
  EXPECT_EQ(code(bob_, bob_.permit({peer(4, 1)})), 0U) << "the old ones are over";
}

TEST_F(TurnRelayTest, PermitsAllPeersOrNoneAlsoWhenThereIsNoRoomForAll) {
  auto few = options();
  few.max_permissions = 3;
  few.max_channels = 1;
  make(few);
  relayed_ = allocate(bob_);
  const auto peer = [](std::uint8_t host) { return Endpoint{IpAddress::v4({203, 0, 113, host}), 1}; };
  EXPECT_EQ(code(bob_, bob_.permit({peer(1), peer(2), peer(3), peer(4)})), 508U);
  for (std::uint8_t host = 1; host <= 4; ++host) EXPECT_TRUE(from_peer("hi", peer(host)).empty()) << int{host};
  EXPECT_EQ(code(bob_, bob_.permit({peer(1), peer(1), peer(2)})), 0U);
  // A channel comes with its permission, and no permission with a channel that is refused.
  EXPECT_EQ(code(bob_, bob_.bind(0x4000, peer(1))), 0U);
  EXPECT_EQ(code(bob_, bob_.bind(0x4000, peer(3))), 400U);
  EXPECT_EQ(code(bob_, bob_.bind(0x4001, peer(3))), 508U);
  EXPECT_TRUE(from_peer("hi", peer(3)).empty());
  EXPECT_EQ(code(bob_, bob_.permit({peer(3)})), 0U);
}

TEST_F(TurnRelayTest, BindsNoChannelThatThereIsNoRoomToPermit) {
  auto few = options();
  few.max_permissions = 1;
  make(few);
  relayed_ = allocate(bob_);
  const Endpoint other{IpAddress::v4({203, 0, 113, 10}), 1};
  ASSERT_EQ(code(bob_, bob_.permit({peer_address})), 0U);
  EXPECT_EQ(code(bob_, bob_.bind(0x4000, other)), 508U);
  EXPECT_EQ(code(bob_, bob_.bind(0x4000, peer_address)), 0U) << "the number is still free";
}

TEST_F(TurnRelayTest, JoinsTwoRelaysOfItsOwnWithoutLeavingTheHouse) {
  // The relays' address is private here, and everything else on it stays out of reach.
  auto lan = options();
  make(lan);
  open_relays_ = false;
  const IpAddress house = IpAddress::v4({192, 168, 1, 1});
  std::vector<Endpoint> relays;
  for (Client* client : {&ann_, &bob_}) {
    client->nonce.clear();
    greet(*client);
    (void)say(*client, client->allocate());
    relays.push_back({house, next_port_++});
    server().relay_opened(now_, asked_.back().id, {relays.back(), relays.back()});
    ASSERT_EQ(pump().size(), 1U);
  }
  ASSERT_EQ(code(ann_, ann_.bind(0x4000, relays[1])), 0U);
  EXPECT_TRUE(say(ann_, Client::channel_data(0x4000, bytes("hello"))).empty()) << "bob has not permitted it";
  ASSERT_EQ(code(bob_, bob_.permit({relays[0]})), 0U);
  const auto out = say(ann_, Client::channel_data(0x4000, bytes("hello")));
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].path, bob_.path);
  const auto view = stun::MessageView::parse(out[0].bytes);
  EXPECT_EQ(view->xor_address(AttributeType::XorPeerAddress), relays[0]);
  EXPECT_EQ(view->text(AttributeType::Data), "hello");
  EXPECT_TRUE(say(ann_, ann_.send({house, 53}, bytes("query"))).empty());
  EXPECT_EQ(code(ann_, ann_.permit({{IpAddress::v4({192, 168, 1, 2}), 53}})), 403U);
}

TEST_F(TurnRelayTest, KeepsTheEcnOfWhatItCarries) {
  ASSERT_EQ(code(ann_, ann_.bind(0x4000, peer_address)), 0U);
  EXPECT_EQ(say(ann_.path, Client::channel_data(0x4000, bytes("x")), Ecn::Ect1).at(0).ecn, Ecn::Ect1);
  EXPECT_EQ(say({.local = relayed_, .remote = peer_address}, bytes("x"), Ecn::Ce).at(0).ecn, Ecn::Ce);
}

TEST_F(TurnRelayTest, HoldsTheBandwidthOfAnAllocation) {
  auto slow = options();
  slow.max_bytes_per_second = 1'000;
  make(slow);
  relayed_ = allocate(bob_);
  ASSERT_EQ(code(bob_, bob_.permit({peer_address})), 0U);
  const Bytes data(300, std::byte{1});
  int through = 0;
  for (int i = 0; i < 10; ++i) through += static_cast<int>(say(bob_, bob_.send(peer_address, data)).size());
  EXPECT_EQ(through, 3);
  EXPECT_EQ(server().counters().over_bandwidth, 7U);
  EXPECT_EQ(from_peer("the other way").size(), 1U);
  now_ += seconds{1};
  EXPECT_EQ(say(bob_, bob_.send(peer_address, data)).size(), 1U);
}

TEST_F(TurnRelayTest, DropsWhatNoDatagramCanHold) {
  Client streaming{path_of(8, 4'000, Protocol::Tcp), "ann", "apple"};
  (void)allocate(streaming);
  ASSERT_EQ(code(streaming, streaming.bind(0x4000, peer_address)), 0U);
  EXPECT_TRUE(say(streaming, Client::channel_data(0x4000, Bytes(65'535))).empty());
  EXPECT_EQ(say(streaming, Client::channel_data(0x4000, Bytes(65'507))).size(), 1U);
}

TEST_F(TurnRelayTest, CarriesNoEmptyDatagramAndNoneToPortZero) {
  ASSERT_EQ(code(ann_, ann_.permit({peer_address})), 0U);
  EXPECT_TRUE(say(ann_, ann_.send({peer_address.address, 0}, bytes("x"))).empty());
  EXPECT_TRUE(say(ann_, ann_.send(peer_address, {})).empty());
}

}  // namespace
}  // namespace linnet::turn_server
