#include "doctor_verdict.hpp"

#include <gmock/gmock.h>

namespace linnet::app {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using Direct = Verdict::Direct;

NetworkReport::Address address() {
  return {.interface = "eth0", .address = *IpAddress::parse("192.168.1.2"), .gathered = true};
}

NetworkReport::Server stun(NatMapping mapping, NatFiltering filtering = NatFiltering::Unknown,
                           const char* at = "203.0.113.1", bool discovers = true) {
  NetworkReport::Attempt attempt{.address = {*IpAddress::parse(at), 3'478}, .state = ServerState::Works};
  attempt.nat =
      NetworkReport::Nat{.translated = true, .discovers = discovers, .mapping = mapping, .filtering = filtering};
  return {.url = "stun:x", .attempts = {attempt}};
}

NetworkReport::Server silent(const char* at = "203.0.113.1") {
  return {.url = "stun:x", .attempts = {{.address = {*IpAddress::parse(at), 3'478}}}};
}

NetworkReport::Server turn(Protocol protocol, ServerState state = ServerState::Works) {
  return {.url = "turn:x",
          .turn = true,
          .protocol = protocol,
          .attempts = {{.address = {*IpAddress::parse("203.0.113.1"), 3'478}, .protocol = protocol, .state = state}}};
}

Verdict of(std::vector<NetworkReport::Server> servers) {
  return judge({.addresses = {address()}, .servers = std::move(servers)});
}

TEST(Verdict, IsDirectWhereEverybodySeesTheSameAddress) {
  for (const auto filtering :
       {NatFiltering::EndpointIndependent, NatFiltering::AddressDependent, NatFiltering::AddressAndPortDependent}) {
    const auto verdict = of({stun(NatMapping::EndpointIndependent, filtering)});
    EXPECT_EQ(verdict.direct, Direct::Yes);
    EXPECT_TRUE(verdict.server_reflexive);
    EXPECT_THAT(verdict.sentences, Contains(HasSubstr("connect directly.")));
  }
}

TEST(Verdict, IsARelayWhereEachDestinationSeesAnotherAddress) {
  for (const auto mapping :
       {NatMapping::AddressDependent, NatMapping::AddressAndPortDependent, NatMapping::Dependent}) {
    const auto verdict = of({stun(mapping)});
    EXPECT_EQ(verdict.direct, Direct::No);
    EXPECT_THAT(verdict.sentences, Contains(HasSubstr("need a relay")));
    EXPECT_THAT(verdict.sentences, Contains(HasSubstr("--turn URL")));
  }
}

TEST(Verdict, BelievesTheServerThatCouldAskEverything) {
  EXPECT_EQ(of({stun(NatMapping::EndpointIndependent, NatFiltering::Unknown, "203.0.113.1", false),
                stun(NatMapping::AddressAndPortDependent)})
                .direct,
            Direct::No);
  EXPECT_EQ(of({stun(NatMapping::AddressAndPortDependent),
                stun(NatMapping::EndpointIndependent, NatFiltering::Unknown, "203.0.113.1", false)})
                .direct,
            Direct::No);
}

TEST(Verdict, IsNotKnownWithoutAServerThatCanTell) {
  EXPECT_EQ(of({stun(NatMapping::Unknown)}).direct, Direct::Unknown);
  EXPECT_THAT(of({stun(NatMapping::Unknown)}).sentences, Contains(HasSubstr("RFC 5780")));
  const auto nothing = of({});
  EXPECT_EQ(nothing.direct, Direct::Unknown);
  EXPECT_TRUE(nothing.host);
  EXPECT_THAT(nothing.sentences, Contains(HasSubstr("--stun URL")));
}

TEST(Verdict, LearnsNothingOfTheInternetFromServersInside) {
  for (const char* const inside : {"127.0.0.1", "192.168.1.9", "169.254.1.1", "::1", "fd00::1"}) {
    EXPECT_EQ(of({stun(NatMapping::EndpointIndependent, NatFiltering::Unknown, inside)}).direct, Direct::Unknown);
    EXPECT_EQ(of({silent(inside)}).direct, Direct::Unknown);
  }
}

TEST(Verdict, DoesNotTakeAServerThatCouldNotBeAskedForASilentOne) {
  auto unreachable = silent("2001:db8::1");
  unreachable.attempts.front().state = ServerState::Unreachable;
  const auto verdict = of({unreachable});
  EXPECT_EQ(verdict.direct, Direct::Unknown);
  EXPECT_THAT(verdict.sentences, Not(Contains(HasSubstr("UDP does not get through"))));
}

TEST(Verdict, KnowsWhenUdpIsBlocked) {
  const auto verdict = of({silent(), turn(Protocol::Udp, ServerState::NoAnswer), turn(Protocol::Tls)});
  EXPECT_EQ(verdict.direct, Direct::No);
  EXPECT_FALSE(verdict.relay_udp);
  EXPECT_TRUE(verdict.relay_tls);
  EXPECT_THAT(verdict.sentences, Contains(HasSubstr("UDP does not get through")));
  EXPECT_THAT(verdict.sentences, Contains(HasSubstr("(TURN over TLS)")));
}

TEST(Verdict, TakesTheFamilyThatIsBetter) {
  const auto verdict =
      of({stun(NatMapping::AddressDependent), stun(NatMapping::EndpointIndependent, {}, "2001:db8::1")});
  EXPECT_EQ(verdict.direct, Direct::Yes);
  EXPECT_THAT(verdict.sentences, Contains(HasSubstr("over IPv6")));
}

TEST(Verdict, NamesTheRelaysThatWork) {
  const auto all = of({turn(Protocol::Udp), turn(Protocol::Tcp), turn(Protocol::Tls)});
  EXPECT_TRUE(all.relay_udp && all.relay_tcp && all.relay_tls);
  EXPECT_THAT(all.sentences, Contains(HasSubstr("(TURN over UDP, TCP, TLS)")));
  const auto none = of({stun(NatMapping::EndpointIndependent), turn(Protocol::Udp, ServerState::Unauthorized)});
  EXPECT_THAT(none.sentences, Contains(HasSubstr("No TURN server works")));
  EXPECT_THAT(of({stun(NatMapping::EndpointIndependent)}).sentences, Not(Contains(HasSubstr("TURN"))));
}

TEST(Verdict, SaysThatThereIsNoNetwork) {
  const auto verdict = judge({});
  EXPECT_FALSE(verdict.host);
  EXPECT_THAT(verdict.sentences, Contains(HasSubstr("not connected")));
}

}  // namespace
}  // namespace linnet::app
