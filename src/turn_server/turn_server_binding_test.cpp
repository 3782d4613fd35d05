#include <gmock/gmock.h>

#include <array>
#include <string>

#include "turn_server/testing_rig.hpp"

// RFC 5780, section 6.1 above all.

namespace linnet::turn_server {
namespace {

using namespace testing;
using stun::Class;
using stun::Method;

const Endpoint primary{.address = IpAddress::v4({192, 0, 2, 1}), .port = 3'478};
const Endpoint alternate{.address = IpAddress::v4({192, 0, 2, 2}), .port = 3'479};
const Endpoint mixed{.address = alternate.address, .port = primary.port};
const Endpoint other_port{.address = primary.address, .port = alternate.port};

class TurnServerBinding : public Rig {
 protected:
  void discover(const Endpoint& second) {
    auto options = Rig::options();
    options.discovery = {{.primary = primary, .alternate = second}};
    make(std::move(options));
  }
  /// A Binding request with what `fill` adds, to `local`; what comes back.
  template <class Fill>
  std::vector<Sent> bind(const Endpoint& local, Fill&& fill, Protocol protocol = Protocol::Udp) {
    ann_.authenticated = false;
    ann_.path.local = local;
    ann_.path.protocol = protocol;
    return say(ann_, ann_.request(Method::Binding, fill));
  }
  std::vector<Sent> change(const Endpoint& local, std::uint32_t flags) {
    return bind(local, [&](stun::MessageBuilder& out) { out.u32(AttributeType::ChangeRequest, flags); });
  }
  static stun::MessageView view(const std::vector<Sent>& sent) {
    const auto parsed =
        sent.size() == 1 ? stun::MessageView::parse(sent[0].bytes) : std::unexpected(stun::ParseError::NotStun);
    if (!parsed) {
      ADD_FAILURE() << sent.size() << " datagrams";
      std::abort();
    }
    return *parsed;
  }
  static unsigned code(const std::vector<Sent>& sent) {
    const auto error = view(sent).error_code();
    return error ? error->code : 0U;
  }
};

TEST_F(TurnServerBinding, TellsWhereItAnswersFromAndWhereElseItIs) {
  discover(alternate);
  for (const auto& [local, elsewhere] : {std::pair{primary, alternate}, {alternate, primary}, {mixed, other_port}}) {
    const auto sent = bind(local, [](auto&) {});
    EXPECT_EQ(sent.at(0).path, ann_.path);
    EXPECT_EQ(view(sent).xor_address(AttributeType::XorMappedAddress), ann_.path.remote);
    EXPECT_EQ(view(sent).address(AttributeType::MappedAddress), ann_.path.remote);
    EXPECT_EQ(view(sent).address(AttributeType::ResponseOrigin), local);
    EXPECT_EQ(view(sent).address(AttributeType::OtherAddress), elsewhere);
  }
}

TEST_F(TurnServerBinding, AnswersFromTheAddressAndThePortThatAreAskedFor) {
  discover(alternate);
  for (const auto& [flags, from] : {std::pair{0U, primary},
                                    {stun::change_address, mixed},
                                    {stun::change_port, other_port},
                                    {stun::change_address | stun::change_port, alternate}}) {
    const auto sent = change(primary, flags);
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].path.local, from);
    EXPECT_EQ(sent[0].path.remote, ann_.path.remote);
    EXPECT_EQ(view(sent).address(AttributeType::ResponseOrigin), from);
    EXPECT_EQ(view(sent).address(AttributeType::OtherAddress), alternate) << "as seen from where the request came to";
  }
  EXPECT_EQ(change(alternate, stun::change_address | stun::change_port).at(0).path.local, primary);
}

TEST_F(TurnServerBinding, WithOneAddressChangesThePortAndClaimsNoOther) {
  discover(other_port);
  EXPECT_FALSE(view(bind(primary, [](auto&) {})).has(AttributeType::OtherAddress));
  EXPECT_EQ(change(primary, stun::change_port).at(0).path.local, other_port);
  EXPECT_EQ(change(other_port, stun::change_port).at(0).path.local, primary);
  const auto refused = change(primary, stun::change_address | stun::change_port);
  EXPECT_EQ(refused.at(0).path.local, primary);
  EXPECT_EQ(code(refused), 420U);
  EXPECT_EQ(view(refused).find(AttributeType::UnknownAttributes)->size(), 2U);
}

TEST_F(TurnServerBinding, DoesNotKnowTheAttributesWithoutASecondPort) {
  EXPECT_EQ(code(change(server_address, stun::change_port)), 420U);
  EXPECT_EQ(code(bind(server_address, [](auto& out) { out.attribute(AttributeType::Padding, bytes("1234")); })), 420U);
  EXPECT_FALSE(view(bind(server_address, [](auto&) {})).has(AttributeType::ResponseOrigin));
}

TEST_F(TurnServerBinding, ChangesNothingOnAStream) {
  discover(alternate);
  const auto fill = [](stun::MessageBuilder& out) { out.u32(AttributeType::ChangeRequest, stun::change_port); };
  const auto refused = bind(primary, fill, Protocol::Tcp);
  EXPECT_EQ(code(refused), 420U);
  EXPECT_EQ(refused.at(0).path, ann_.path);
  const auto sent = bind(primary, [](auto&) {}, Protocol::Tcp);
  EXPECT_EQ(view(sent).address(AttributeType::OtherAddress), alternate);
}

TEST_F(TurnServerBinding, AnswersToThePortThatIsAskedFor) {
  discover(alternate);
  const std::array<std::byte, 4> port{std::byte{0x13}, std::byte{0x88}, std::byte{0}, std::byte{0}};
  for (const std::size_t size : {2U, 4U}) {
    const auto sent = bind(primary, [&](stun::MessageBuilder& out) {
      out.attribute(AttributeType::ResponsePort, std::span{port}.first(size));
    });
    EXPECT_EQ(sent.at(0).path.remote, (Endpoint{ann_.path.remote.address, 5'000}));
    EXPECT_EQ(view(sent).mapped_address(), ann_.path.remote);
  }
}

TEST_F(TurnServerBinding, PadsNoMoreThanTheRequestDid) {
  discover(alternate);
  for (const std::size_t size : {0U, 1U, 64U, 1'200U}) {
    const Bytes padding(size);
    const auto sent = bind(primary, [&](auto& out) { out.attribute(AttributeType::Padding, padding); });
    EXPECT_EQ(view(sent).find(AttributeType::Padding)->size(), size);
  }
  const Bytes much(1'900);
  const auto sent = bind(primary, [&](auto& out) { out.attribute(AttributeType::Padding, much); });
  EXPECT_LE(sent.at(0).bytes.size(), 1'500U);
}

TEST_F(TurnServerBinding, RefusesWhatMakesNoSense) {
  discover(alternate);
  const std::array<std::byte, 2> zero{};
  const std::array<std::byte, 3> odd{std::byte{1}};
  const auto port = [](std::span<const std::byte> value) {
    return [value](stun::MessageBuilder& out) { out.attribute(AttributeType::ResponsePort, value); };
  };
  EXPECT_EQ(code(bind(primary, port(zero))), 400U);
  EXPECT_EQ(code(bind(primary, port(odd))), 400U);
  EXPECT_EQ(code(bind(primary, [&](auto& out) { out.attribute(AttributeType::ChangeRequest, odd); })), 400U);
  const auto both = [](stun::MessageBuilder& out) {
    out.attribute(AttributeType::ResponsePort, bytes("ab")).attribute(AttributeType::Padding, bytes("1234"));
  };
  EXPECT_EQ(code(bind(primary, both)), 400U);
  EXPECT_EQ(server().counters().bindings, 0U);
}

}  // namespace
}  // namespace linnet::turn_server
