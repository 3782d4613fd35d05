#include "transport/socket_demux.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stun/message_builder.hpp"

namespace linnet::transport {
namespace {

using namespace std::chrono_literals;

const Endpoint here{IpAddress::v4({192, 0, 2, 1}), 5'000};
const TimePoint start = TimePoint{} + 1'000s;

Path from(std::uint8_t host, std::uint16_t port = 4'000) { return {here, {IpAddress::v4({198, 51, 100, host}), port}}; }

struct Bytes {
  std::vector<std::byte> data;
  Datagram arrived(const Path& path, TimePoint at = start) { return {at, path, Ecn::NotEct, data}; }
  [[nodiscard]] DatagramBatch::Run leaving(const Path& path) const {
    return {.path = path, .segment_size = data.size(), .bytes = data};
  }
};

stun::TransactionId transaction(std::uint8_t number) {
  stun::TransactionId id;
  id.bytes.fill(std::byte{number});
  return id;
}

Bytes stun_message(stun::Class cls, std::uint8_t number, std::string_view username = {},
                   stun::Method method = stun::Method::Binding, std::optional<std::uint32_t> lifetime = {}) {
  std::array<std::byte, 256> buffer{};
  stun::MessageBuilder message{buffer, cls, method, transaction(number)};
  if (!username.empty()) message.text(stun::AttributeType::Username, username);
  if (lifetime) message.u32(stun::AttributeType::Lifetime, *lifetime);
  const std::size_t size = message.fingerprint().finish();
  return {{buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)}};
}

Bytes check(std::string_view username, std::uint8_t number = 1) {
  return stun_message(stun::Class::Request, number, username);
}

Bytes dtls() { return {std::vector<std::byte>(50, std::byte{22})}; }

struct TwoMembers : ::testing::Test {
  SocketDemux demux;
  MemberId a = demux.add();
  MemberId b = demux.add();
  TwoMembers() {
    demux.set_username_fragments(a, {"aaaa"});
    demux.set_username_fragments(b, {"bbbb"});
  }
  bool sends(MemberId member, const Bytes& bytes, const Path& path, TimePoint at = start) {
    return demux.may_send(at, member, bytes.leaving(path));
  }
  std::optional<MemberId> routed(Bytes bytes, const Path& path, TimePoint at = start) {
    return demux.route(bytes.arrived(path, at));
  }
  /// What a session does with an authentic check.
  void answers(MemberId member, const Path& path, TimePoint at = start) {
    EXPECT_TRUE(sends(member, stun_message(stun::Class::Success, 9), path, at));
  }
};

TEST_F(TwoMembers, AFirstCheckGoesToTheMemberThatItsUserNameNames) {
  EXPECT_EQ(routed(check("aaaa:xxxx"), from(1)), a);
  EXPECT_EQ(routed(check("bbbb:xxxx"), from(1)), b);
  EXPECT_EQ(routed(check("cccc:xxxx"), from(1)), std::nullopt);
  EXPECT_EQ(routed(check("aaaa"), from(1)), a);
  EXPECT_EQ(demux.statistics().unknown, 1U);
}

TEST_F(TwoMembers, ACheckGivesNobodyThePathBeforeItsMemberHasAnsweredIt) {
  EXPECT_EQ(routed(check("aaaa:xxxx"), from(1)), a);
  EXPECT_EQ(routed(dtls(), from(1)), std::nullopt);
  EXPECT_EQ(demux.paths(), 0U);
  answers(a, from(1));
  EXPECT_EQ(routed(dtls(), from(1)), a);
  EXPECT_EQ(routed(dtls(), from(1, 4'001)), std::nullopt);
}

TEST_F(TwoMembers, AnErrorAnswerGivesNobodyThePath) {
  EXPECT_TRUE(sends(a, stun_message(stun::Class::Error, 9), from(1)));
  EXPECT_EQ(demux.paths(), 0U);
}

TEST_F(TwoMembers, AnAnswerGoesToWhoeverAskedAlthoughBothAskTheSameServer) {
  const Path server = from(200, 3'478);
  EXPECT_TRUE(sends(a, stun_message(stun::Class::Request, 1), server));
  EXPECT_TRUE(sends(b, stun_message(stun::Class::Request, 2), server));
  EXPECT_EQ(routed(stun_message(stun::Class::Success, 2), server), b);
  EXPECT_EQ(routed(stun_message(stun::Class::Error, 1), server), a);
  EXPECT_EQ(routed(stun_message(stun::Class::Success, 3), server), std::nullopt);
}

TEST_F(TwoMembers, RequestsThatShareASendAreEachRemembered) {
  Bytes two = stun_message(stun::Class::Request, 1);
  const Bytes second = stun_message(stun::Class::Request, 2);
  const std::size_t size = two.data.size();
  two.data.insert(two.data.end(), second.data.begin(), second.data.end());
  EXPECT_TRUE(demux.may_send(start, a, {.path = from(1), .segment_size = size, .bytes = two.data}));
  EXPECT_EQ(routed(stun_message(stun::Class::Success, 1), from(1)), a);
  EXPECT_EQ(routed(stun_message(stun::Class::Success, 2), from(1)), a);
}

TEST_F(TwoMembers, APathIsOneMembersAndTheOthersChecksAndDataOnItAreNotSent) {
  answers(a, from(1));
  EXPECT_FALSE(sends(b, check("xxxx:bbbb"), from(1)));
  EXPECT_FALSE(sends(b, dtls(), from(1)));
  EXPECT_FALSE(sends(b, stun_message(stun::Class::Success, 7), from(1)));
  EXPECT_EQ(demux.statistics().contested, 3U);
  EXPECT_EQ(routed(dtls(), from(1)), a);
  EXPECT_TRUE(sends(b, check("xxxx:bbbb"), from(2)));
}

TEST_F(TwoMembers, AnAllocationOfATurnServerIsOneMembersFromItsFirstRequestOn) {
  const Path server = from(200, 3'478);
  EXPECT_TRUE(sends(a, stun_message(stun::Class::Request, 1, {}, stun::Method::Allocate), server));
  EXPECT_FALSE(sends(b, stun_message(stun::Class::Request, 2, {}, stun::Method::Allocate), server));
  EXPECT_FALSE(sends(b, stun_message(stun::Class::Request, 2, {}, stun::Method::Refresh), server));
  EXPECT_EQ(demux.statistics().contested, 2U);
  EXPECT_EQ(routed(stun_message(stun::Class::Indication, 3, {}, stun::Method::Data), server), a);
  // A server that never answers is soon anybody's.
  EXPECT_TRUE(sends(b, stun_message(stun::Class::Request, 2, {}, stun::Method::Allocate), server, start + 31s));
}

TEST_F(TwoMembers, AnAllocationLastsAsLongAsTheServerSaysHoweverSilentItIs) {
  const Path server = from(200, 3'478);
  const auto allocates = [&](MemberId member, std::uint8_t number, TimePoint at) {
    return sends(member, stun_message(stun::Class::Request, number, {}, stun::Method::Allocate), server, at);
  };
  EXPECT_TRUE(allocates(a, 1, start));
  EXPECT_EQ(routed(stun_message(stun::Class::Success, 1, {}, stun::Method::Allocate, 600), server), a);
  EXPECT_FALSE(allocates(b, 2, start + 599s));
  EXPECT_TRUE(sends(a, stun_message(stun::Class::Request, 3, {}, stun::Method::Refresh), server, start + 540s));
  EXPECT_EQ(routed(stun_message(stun::Class::Success, 3, {}, stun::Method::Refresh, 600), server, start + 540s), a);
  EXPECT_FALSE(allocates(b, 2, start + 1'139s));
  EXPECT_TRUE(allocates(b, 2, start + 1'141s));
  // No more is believed than an hour.
  EXPECT_EQ(
      routed(stun_message(stun::Class::Success, 2, {}, stun::Method::Allocate, 0xFFFF'FFFF), server, start + 1'141s),
      b);
  EXPECT_FALSE(allocates(a, 4, start + 4'740s));
  EXPECT_TRUE(allocates(a, 4, start + 4'742s));
}

TEST_F(TwoMembers, AServerTellsEveryoneTheirAddressAlsoWhereOneHasARelay) {
  const Path server = from(200, 3'478);
  EXPECT_TRUE(sends(a, stun_message(stun::Class::Indication, 1, {}, stun::Method::Send), server));
  EXPECT_TRUE(sends(b, stun_message(stun::Class::Request, 2), server));
  EXPECT_EQ(routed(stun_message(stun::Class::Success, 2), server), b);
  EXPECT_EQ(routed(dtls(), server), a);
  EXPECT_FALSE(sends(b, check("xxxx:bbbb"), server));
}

TEST_F(TwoMembers, APathThatWasSilentMayPassToTheMemberThatHasProvedWhoIsThereNow) {
  answers(a, from(1));
  EXPECT_EQ(routed(dtls(), from(1), start + 20s), a);
  EXPECT_FALSE(sends(b, stun_message(stun::Class::Success, 7), from(1), start + 49s));
  EXPECT_TRUE(sends(b, stun_message(stun::Class::Success, 7), from(1), start + 51s));
  EXPECT_EQ(routed(dtls(), from(1), start + 51s), b);
  EXPECT_FALSE(sends(a, dtls(), from(1), start + 52s));
}

TEST_F(TwoMembers, ConsentChecksKeepAPath) {
  answers(a, from(1));
  for (int i = 1; i <= 12; ++i) EXPECT_EQ(routed(check("aaaa:xxxx"), from(1), start + i * 5s), a);
  EXPECT_FALSE(sends(b, dtls(), from(1), start + 61s));
}

TEST_F(TwoMembers, APeerThatChangesItsAddressIsFoundByItsNextCheck) {
  answers(a, from(1));
  EXPECT_EQ(routed(check("aaaa:xxxx"), from(77)), a);
  answers(a, from(77));
  EXPECT_EQ(routed(dtls(), from(77)), a);
  EXPECT_EQ(routed(dtls(), from(1)), a);
}

TEST_F(TwoMembers, NewFragmentsReplaceTheOldOnes) {
  demux.set_username_fragments(a, {"AAAA", "zzzz"});
  EXPECT_EQ(routed(check("aaaa:x"), from(1)), std::nullopt);
  EXPECT_EQ(routed(check("AAAA:x"), from(1)), a);
  EXPECT_EQ(routed(check("zzzz:x"), from(1)), a);
  // Another's stays another's, also when one that wanted it gives up its own.
  demux.set_username_fragments(b, {"AAAA"});
  EXPECT_EQ(routed(check("AAAA:x"), from(1)), a);
  demux.set_username_fragments(b, {});
  EXPECT_EQ(routed(check("AAAA:x"), from(1)), a);
}

TEST_F(TwoMembers, WhoeverLeavesLeavesNothing) {
  answers(a, from(1));
  EXPECT_TRUE(sends(a, stun_message(stun::Class::Request, 5), from(2)));
  demux.remove(a);
  EXPECT_EQ(demux.paths(), 0U);
  EXPECT_EQ(routed(dtls(), from(1)), std::nullopt);
  EXPECT_EQ(routed(check("aaaa:x"), from(1)), std::nullopt);
  EXPECT_EQ(routed(stun_message(stun::Class::Success, 5), from(2)), std::nullopt);
  EXPECT_FALSE(sends(a, dtls(), from(1)));
  demux.remove(a);
}

TEST_F(TwoMembers, AnythingElseThatArrivesIsNobodys) {
  EXPECT_EQ(routed({}, from(1)), std::nullopt);
  EXPECT_EQ(routed({std::vector<std::byte>(1)}, from(1)), std::nullopt);
  const Bytes whole = check("aaaa:x");
  EXPECT_EQ(routed({{whole.data.begin(), whole.data.end() - 4}}, from(1)), std::nullopt);
  EXPECT_EQ(routed(stun_message(stun::Class::Request, 1), from(1)), std::nullopt);
  EXPECT_EQ(demux.statistics().unknown, 4U);
}

TEST(SocketDemux, APeerThatComesFromEverywhereCannotMakeItGrow) {
  SocketDemux demux{{.max_requests = 8, .max_paths = 4}};
  const MemberId a = demux.add();
  for (std::uint16_t port = 1; port <= 100; ++port) {
    const Bytes success = stun_message(stun::Class::Success, 1);
    EXPECT_TRUE(demux.may_send(start + port * 1ms, a, success.leaving(from(1, port))));
    const Bytes request = stun_message(stun::Class::Request, static_cast<std::uint8_t>(port));
    EXPECT_TRUE(demux.may_send(start, a, request.leaving(from(1, port))));
  }
  EXPECT_EQ(demux.paths(), 4U);
  EXPECT_EQ(demux.requests(), 8U);
  // The newest path is kept, however long the others are heard of.
  Bytes data = dtls();
  EXPECT_EQ(demux.route(data.arrived(from(1, 100))), a);
}

}  // namespace
}  // namespace linnet::transport
