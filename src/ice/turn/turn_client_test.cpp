#include "ice/turn/turn_client.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "ice/turn/channel_data.hpp"

namespace linnet::ice::turn {
namespace {

using namespace std::chrono_literals;
using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;
using stun::Method;

const Endpoint relayed{IpAddress::v4({198, 51, 100, 9}), 50'001};
const Endpoint relayed_v6{*IpAddress::parse("2001:db8::9"), 50'002};
const Endpoint mapped{IpAddress::v4({203, 0, 113, 5}), 40'000};
const Endpoint peer{IpAddress::v4({192, 0, 2, 7}), 6'000};
const Endpoint peer_v6{*IpAddress::parse("2001:db8::7"), 6'000};

/// A client and what a test makes a server say.
class TurnClientTest : public testing::Test {
 protected:
  using Write = std::function<void(stun::MessageBuilder&)>;

  void make(bool reliable = false) {
    client.emplace(Options{.username = "user", .credential = "secret", .reliable = reliable}, random);
  }
  /// The next message of the client, parsed; the bytes live in `last`.
  std::optional<stun::MessageView> next() {
    std::array<std::byte, 4'000> out{};
    const std::size_t size = client->poll_packet(now, out);
    last.assign(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
    if (size == 0) return std::nullopt;
    const auto message = stun::MessageView::parse(last);
    return message ? std::optional{*message} : std::nullopt;
  }
  [[nodiscard]] static std::array<std::byte, 16> key() { return stun::long_term_key("user", "realm", "secret"); }
  std::optional<TurnClient::Data> say(const stun::MessageView& request, Class kind, bool with_integrity,
                                      const Write& write) {
    std::vector<std::byte> out(3'000);
    stun::MessageBuilder m{out, kind, request.method(), request.transaction_id()};
    write(m);
    if (with_integrity) m.integrity(key());
    out.resize(m.fingerprint().finish());
    return client->handle_packet(now, out);
  }
  void agree(const stun::MessageView& request, const Write& write = [](stun::MessageBuilder&) {}) {
    (void)say(request, Class::Success, true, write);
  }
  void refuse(
      const stun::MessageView& request, unsigned code, bool with_integrity = true,
      const Write& write = [](stun::MessageBuilder&) {}) {
    (void)say(request, Class::Error, with_integrity, [&](stun::MessageBuilder& m) {
      m.error_code(static_cast<ErrorCode>(code), "because");
      write(m);
    });
  }
  void challenge(const stun::MessageView& request, unsigned code = 401, std::string nonce = "nonce") {
    refuse(request, code, false,
           [&](stun::MessageBuilder& m) { m.text(AttributeType::Realm, "realm").text(AttributeType::Nonce, nonce); });
  }
  static void give(stun::MessageBuilder& m, std::uint32_t lifetime = 600, bool both = true) {
    m.xor_address(AttributeType::XorRelayedAddress, relayed);
    if (both) m.xor_address(AttributeType::XorRelayedAddress, relayed_v6);
    m.xor_address(AttributeType::XorMappedAddress, mapped).u32(AttributeType::Lifetime, lifetime);
  }
  stun::MessageView start() {
    client->start(now);
    challenge(*next());
    return *next();
  }
  void allocate(bool reliable = false) {
    make(reliable);
    agree(start(), [](stun::MessageBuilder& m) { give(m); });
    ASSERT_TRUE(event<TurnClient::Allocated>());
  }
  void permit(const Endpoint& to) {
    client->permit(now, to.address);
    agree(*next());
  }
  void bind(const Endpoint& to) {
    client->bind(now, to);
    while (const auto request = next()) agree(*request);
    ASSERT_TRUE(client->is_bound(to));
  }
  template <class E>
  std::optional<E> event() {
    auto e = client->poll_event();
    if (!e || !std::holds_alternative<E>(*e)) return std::nullopt;
    return std::get<E>(*e);
  }
  void wait(Duration time) {
    const TimePoint end = now + time;
    while (client->next_timeout() <= end) {
      now = std::max(now, client->next_timeout());
      client->handle_timeout(now);
    }
    now = end;
    client->handle_timeout(now);
  }
  std::vector<std::byte> wrapped(const Endpoint& to, std::string_view text) {
    std::vector<std::byte> packet(client->room_before(to) + text.size() + TurnClient::room_behind, std::byte{0xEE});
    std::ranges::copy(as_bytes(text), packet.begin() + static_cast<std::ptrdiff_t>(client->room_before(to)));
    packet.resize(client->wrap(to, packet, text.size()));
    return packet;
  }
  std::vector<std::byte> indication(const Endpoint& from, std::string_view text, Method method = Method::Data) {
    std::vector<std::byte> out(1'000);
    stun::MessageBuilder m{out, Class::Indication, method, {}};
    m.xor_address(AttributeType::XorPeerAddress, from).text(AttributeType::Data, text);
    out.resize(m.finish());
    return out;
  }

  SeededGenerator random{1};
  std::optional<TurnClient> client;
  TimePoint now = TimePoint{} + 1h;
  std::vector<std::byte> last;
};

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

TEST_F(TurnClientTest, AnAllocationWithoutAQuestionForCredentialsIsNoAnswer) {
  make();
  client->start(now);
  (void)say(*next(), Class::Success, false, [](stun::MessageBuilder& m) { give(m); });
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
