// Bad datagrams, bad descriptions, and peers that do only half of what they should, against whole sessions.
#include <gtest/gtest.h>

#include <set>

#include "sim/allocations.hpp"
#include "sim/random.hpp"
#include "sim/session/call.hpp"
#include "stun/message_builder.hpp"
#include "stun/message_view.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration patience = 120s;  // Whatever is wrong must be told by then.

enum class Stage { New, Offered, Checking, Handshake, Connected, Closing, Closed };

std::string name_of(const testing::TestParamInfo<Stage>& info) {
  constexpr std::array names{"New", "Offered", "Checking", "Handshake", "Connected", "Closing", "Closed"};
  return names[static_cast<std::size_t>(info.param)];
}

/// Brings A, or both, to that stage.
void bring_to(Call& call, Stage stage) {
  Meeting& m = call.meeting;
  if (stage == Stage::New) return;
  if (stage == Stage::Offered) m.signaling_delay = 1s;
  call.begin();
  const auto reached = [&] {
    switch (stage) {
      case Stage::Offered: return m.a.session->signaling_state() == SignalingState::HaveLocalOffer;
      case Stage::Checking: return m.a.session->ice_connection_state() == IceConnectionState::Checking;
      case Stage::Handshake: return m.a.session->dtls_transport_state() == DtlsTransportState::Connecting;
      default: return call.is_open();
    }
  };
  ASSERT_EQ(m.run_until(reached, 60s), Stop::Done);
  if (stage == Stage::Closing || stage == Stage::Closed) {
    ASSERT_TRUE(m.a.session->send(call.now(), call.channel, std::string(100'000, 'x')));
    m.a.session->close(call.now());
  }
  if (stage == Stage::Closed) {
    ASSERT_EQ(m.run_until([&] { return m.a.terminated; }, 30s), Stop::Done);
  }
}

class AtEachStage : public testing::TestWithParam<Stage> {};

TEST_P(AtEachStage, GarbageIsDroppedAndBindsNoMemory) {
  Call call;
  Meeting& m = call.meeting;
  // What is really sent, to be cut short.
  std::vector<std::vector<std::byte>> heard;
  m.world.filter = [&](auto&, std::span<std::byte> bytes) {
    if (heard.size() < 200) heard.emplace_back(bytes.begin(), bytes.end());
    return true;
  };
  bring_to(call, GetParam());
  heard.reserve(200);
  SeededGenerator noise{99};
  const Path real{.local = {.address = Call::address_a, .port = 49'152},
                  .remote = {.address = Call::address_b, .port = 49'152}};
  const std::int64_t before = live_bytes();
  for (int i = 0; i < 4'000; ++i) {
    Path path = real;
    if (noise.below(2) == 0) path.remote = {.address = IpAddress::v4({198, 51, 100, 9}), .port = 666};
    std::vector<std::byte> bytes(noise.below(20) == 0 ? 65'507 : noise.below(1'400));
    noise.fill(bytes);
    if (!heard.empty() && noise.below(3) == 0) {
      bytes = heard[noise.below(heard.size())];
      bytes.resize(noise.below(bytes.size()));
    } else if (!bytes.empty()) {
      // RFC 7983: one of each kind.
      constexpr std::array<std::uint8_t, 8> first{0, 1, 20, 21, 22, 23, 64, 128};
      bytes[0] = std::byte{first[noise.below(first.size())]};
    }
    m.a.session->handle_datagram({.at = call.now(), .path = path, .bytes = bytes});
    if (i % 100 == 0) m.run_for(1ms);
  }
  EXPECT_LT(live_bytes() - before, std::int64_t{3} << 20);
  if (GetParam() == Stage::Closed) {
    EXPECT_EQ(m.a.session->next_timeout(), never);
    EXPECT_FALSE(m.a.session->poll_event());
  } else if (GetParam() == Stage::Closing) {
    EXPECT_EQ(m.run_until([&] { return m.a.terminated; }, 30s), Stop::Done);
    ASSERT_EQ(call.received[1].size(), 1U);
    EXPECT_EQ(call.received[1][0].text(), std::string(100'000, 'x'));
  } else {
    if (GetParam() == Stage::New) call.begin();
    EXPECT_EQ(call.open(), Stop::Done);
    EXPECT_TRUE(call.works());
  }
}

TEST_P(AtEachStage, APeerThatVanishesIsNoticedAndCloseEnds) {
  for (const bool close_first : {false, true}) {
    Call call;
    Meeting& m = call.meeting;
    bring_to(call, GetParam());
    call.cut();
    const bool knows_peer =
        GetParam() == Stage::Checking || GetParam() == Stage::Handshake || GetParam() == Stage::Connected;
    if (knows_peer && !close_first) {
      EXPECT_EQ(m.run_until([&] { return !m.a.failure.empty(); }, patience), Stop::Done);
    }
    const TimePoint begin = call.now();
    m.a.session->close(call.now());
    EXPECT_EQ(m.run_until([&] { return m.a.terminated; }, 30s), Stop::Done);
    // Tuning::close_timeout of silence, and what was under way when the cable went counts as a word.
    EXPECT_LE(call.now() - begin, GetParam() == Stage::Closing ? 21s : 11s);
    EXPECT_EQ(m.a.session->next_timeout(), never);
  }
}

INSTANTIATE_TEST_SUITE_P(BadInput, AtEachStage,
                         testing::Values(Stage::New, Stage::Offered, Stage::Checking, Stage::Handshake,
                                         Stage::Connected, Stage::Closing, Stage::Closed),
                         name_of);

void change(std::string& text, std::string_view attribute) {
  for (std::size_t at = text.find(attribute); at != std::string::npos; at = text.find(attribute, at + 1)) {
    char& letter = text[at + attribute.size()];
    letter = letter == 'A' ? 'B' : 'A';
  }
}

TEST(BadInput, ConnectionsWithAWrongUfragOrPasswordFail) {
  for (const std::string_view attribute : {"a=ice-ufrag:", "a=ice-pwd:"}) {
    for (const Side liar : {Side::A, Side::B}) {
      Call call;
      call.meeting.on_description = [&](Side from, SessionDescription& description) {
        if (from == liar) change(description.sdp, attribute);
      };
      call.begin();
      const auto told = [&] { return !call.meeting.a.failure.empty() && !call.meeting.b.failure.empty(); };
      EXPECT_EQ(call.meeting.run_until(told, patience), Stop::Done) << attribute;
      EXPECT_FALSE(call.meeting.a.was_connected);
      EXPECT_FALSE(call.meeting.b.was_connected);
      EXPECT_TRUE(call.meeting.b.announced.empty());
    }
  }
}

TEST(BadInput, NothingIsDeliveredOrAnnouncedUnderAWrongFingerprint) {
  for (const Side liar : {Side::A, Side::B}) {
    Call call;
    Meeting& m = call.meeting;
    m.on_description = [&](Side from, SessionDescription& description) {
      if (from == liar) change(description.sdp, "a=fingerprint:sha-256 ");
    };
    call.begin();
    EXPECT_EQ(m.run_until([&] { return !m.peer(other(liar)).failure.empty(); }, patience), Stop::Done);
    EXPECT_EQ(m.peer(other(liar)).session->connection_state(), PeerConnectionState::Failed);
    m.run_for(patience);
    EXPECT_FALSE(m.a.failure.empty());
    EXPECT_FALSE(m.b.failure.empty());
    EXPECT_TRUE(m.a.announced.empty());
    EXPECT_TRUE(m.b.announced.empty());
    EXPECT_NE(m.a.session->ready_state(call.channel), DataChannelState::Open);
    EXPECT_TRUE(call.received[0].empty());
    EXPECT_TRUE(call.received[1].empty());
  }
}

/// The value of an attribute of a description.
std::string attribute_of(const SessionDescription& description, std::string_view name) {
  const std::size_t begin = description.sdp.find(name);
  if (begin == std::string::npos) return {};
  const std::size_t value = begin + name.size();
  return description.sdp.substr(value, description.sdp.find("\r\n", value) - value);
}

TEST(BadInput, BindingMessagesThatAreNotBelievedAreAnsweredByTheRulesAndChangeNothing) {
  enum class Fault { WrongPassword, NoIntegrity, UnknownAttribute, ResponseToNothing };
  Call call;
  call.begin();
  ASSERT_EQ(call.open(), Stop::Done);
  Meeting& m = call.meeting;
  const Path selected = m.a.session->selected_path().value();
  const SessionDescription description = m.a.session->local_description().value();
  const std::string username = attribute_of(description, "a=ice-ufrag:") + ":peer";
  const std::string password = attribute_of(description, "a=ice-pwd:");
  ASSERT_GE(password.size(), 22U);
  SeededGenerator random{7};
  stun::TransactionId asked;
  std::vector<std::uint16_t> codes;  // Of what A says to it; 0: no error.
  m.world.filter = [&](auto& node, std::span<std::byte> bytes) {
    const auto message = stun::MessageView::parse(bytes);
    if (&node.machine != m.a.session.get() || !message || message->transaction_id() != asked) return true;
    const auto error = message->error_code();
    codes.push_back(error ? error->code : std::uint16_t{0});
    return false;
  };
  const auto expected = [](Fault fault) -> std::vector<std::uint16_t> {
    switch (fault) {
      case Fault::WrongPassword: return {401};
      case Fault::NoIntegrity: return {400};
      case Fault::UnknownAttribute: return {420};
      case Fault::ResponseToNothing: break;
    }
    return {};
  };
  for (const Fault fault :
       {Fault::WrongPassword, Fault::NoIntegrity, Fault::UnknownAttribute, Fault::ResponseToNothing}) {
    for (const Endpoint& from : {selected.remote, Endpoint{IpAddress::v4({198, 51, 100, 9}), 666}}) {
      asked = stun::TransactionId::random(random);
      codes.clear();
      std::array<std::byte, 200> buffer{};
      stun::MessageBuilder message{buffer,
                                   fault == Fault::ResponseToNothing ? stun::Class::Success : stun::Class::Request,
                                   stun::Method::Binding, asked};
      message.text(stun::AttributeType::Username, username).u32(stun::AttributeType::Priority, 1'000'000);
      message.flag(stun::AttributeType::UseCandidate).u64(stun::AttributeType::IceControlling, ~0ULL);
      // Nobody knows it, and it must be understood.
      if (fault == Fault::UnknownAttribute) message.u32(static_cast<stun::AttributeType>(0x7ffe), 1);
      const std::string key = fault == Fault::WrongPassword ? "a guessed password 1234" : password;
      if (fault != Fault::NoIntegrity) message.integrity(std::as_bytes(std::span{key}));
      const std::size_t size = message.fingerprint().finish();
      ASSERT_NE(size, 0U);
      m.a.session->handle_datagram({.at = call.now(),
                                    .path = {.local = selected.local, .remote = from},
                                    .bytes = std::span{buffer}.first(size)});
      m.run_for(100ms);
      EXPECT_EQ(codes, expected(fault)) << static_cast<int>(fault);
    }
  }
  EXPECT_EQ(m.a.session->selected_path(), selected);
  EXPECT_TRUE(call.works());
}

TEST(BadInput, AbsurdCandidatesAreRefusedOrIgnored) {
  Call call;
  Meeting& m = call.meeting;
  m.on_description = [](Side, SessionDescription& description) {
    description.sdp += "a=candidate:1 1 udp 1 0.0.0.0 9 typ host\r\n";
    description.sdp += "a=candidate:1 1 udp 1 239.1.2.3 9 typ host\r\n";
    description.sdp += "a=candidate:1 1 udp 1 203.0.113.9 0 typ host\r\n";
    description.sdp += "a=candidate:1 1 carrier-pigeon 1 203.0.113.9 9 typ host\r\n";
    description.sdp += "a=candidate:1 1 udp 1 no-such-name.local 9 typ host\r\n";
  };
  call.begin();
  ASSERT_EQ(m.run_until([&] { return m.b.session->remote_description().has_value(); }, 10s), Stop::Done);
  std::string long_line = "candidate:1 1 udp 1 ";
  long_line.append(100'000, '1').append(" 9 typ host");
  for (const std::string& text :
       {std::string{"candidate:"}, std::string{"candidate:1"}, std::string{"nonsense"}, long_line,
        std::string{"candidate:1 1 udp 99999999999 203.0.113.9 9 typ host"},
        std::string{"candidate:1 1 udp 1 203.0.113.9 99999 typ host"},
        std::string{"candidate:1 1 udp 1 203.0.113.9 -1 typ host"},
        std::string{"candidate:1 999 udp 1 203.0.113.9 9 typ host"},
        std::string{"candidate:1 1 udp 1 203.0.113.999 9 typ host"}, std::string{"candidate:1 1 udp 1 :: 9 typ host"},
        std::string{"candidate:1 1 udp 1 203.0.113.9 9 typ dragon"},
        std::string{"candidate:\0 1 udp 1 203.0.113.9 9 typ host", 42}}) {
    (void)m.b.session->add_ice_candidate(
        call.now(), IceCandidateInit{.candidate = text, .sdp_mid = "0", .sdp_m_line_index = std::uint16_t{0}});
  }
  const std::int64_t before = live_bytes();
  for (int i = 0; i < 5'000; ++i) {
    const std::string text = "candidate:1 1 udp " + std::to_string(i + 1) + " 198.51." + std::to_string(i / 250) + "." +
                             std::to_string(i % 250 + 1) + " 9 typ host";
    (void)m.b.session->add_ice_candidate(
        call.now(), IceCandidateInit{.candidate = text, .sdp_mid = "0", .sdp_m_line_index = std::uint16_t{0}});
  }
  EXPECT_LT(live_bytes() - before, std::int64_t{4} << 20);
  EXPECT_EQ(call.open(), Stop::Done);
  EXPECT_TRUE(call.works());
}

/// What reaches A of B's abort(): an SCTP ABORT (in a record of application data), a close_notify, both or nothing.
TEST(BadInput, HalfAGoodbyeIsUnderstood) {
  for (const bool sctp : {false, true}) {
    for (const bool dtls : {false, true}) {
      Call call;
      call.begin();
      ASSERT_EQ(call.open(), Stop::Done);
      ASSERT_TRUE(call.works());
      Meeting& m = call.meeting;
      m.world.filter = [&](auto& node, std::span<std::byte> bytes) {
        if (&node.machine != m.b.session.get() || bytes.empty()) return true;
        if (bytes[0] == std::byte{23}) return sctp;
        if (bytes[0] == std::byte{21}) return dtls;
        return true;
      };
      m.b.session->abort(call.now());
      const TimePoint begin = call.now();
      const auto noticed = [&] { return m.a.session->ready_state(call.channel) == DataChannelState::Closed; };
      // Without a word it takes until the consent is lost, and SCTP may be quicker.
      const auto told = [&] { return noticed() || !m.a.failure.empty(); };
      EXPECT_EQ(m.run_until(told, patience), Stop::Done) << sctp << dtls;
      if (sctp || dtls) {
        EXPECT_TRUE(noticed());
        EXPECT_LE(call.now() - begin, 1s);
      }
      EXPECT_FALSE(m.a.failure.empty()) << "the peer aborted, and nobody says so " << sctp << dtls;
      EXPECT_FALSE(m.a.session->send(call.now(), call.channel, "anyone?") && (sctp || dtls));
      m.a.session->close(call.now());
      EXPECT_EQ(m.run_until([&] { return m.a.terminated; }, 20s), Stop::Done);
    }
  }
}

TEST(BadInput, AReaderWhoNeverReadsBindsNoMoreThanTheWindow) {
  Tuning tuning;
  tuning.max_send_queue = 512 * 1'024;
  tuning.receive_window = 256 * 1'024;
  Call call{1, tuning, tuning};
  call.begin();
  ASSERT_EQ(call.open(), Stop::Done);
  Meeting& m = call.meeting;
  call.read = false;
  const std::string data(10'000, 'x');
  const std::int64_t before = live_bytes();
  std::int64_t most = 0;
  std::size_t sent = 0;
  for (int i = 0; i < 300; ++i) {
    while (m.a.session->send(call.now(), call.channel, data)) ++sent;
    m.run_for(100ms);
    most = std::max(most, live_bytes() - before);
  }
  EXPECT_LT(most, std::int64_t{2} << 20);
  EXPECT_GT(m.a.session->buffered_amount(call.channel), 256U * 1'024);
  EXPECT_TRUE(m.a.failure.empty());
  // Not lost either: once read, it all comes.
  call.read = true;
  std::size_t taken = 0;
  while (m.b.session->receive(m.b.announced.front())) ++taken;
  const auto whole = [&] { return taken + call.received[1].size() == sent; };
  EXPECT_EQ(m.run_until(whole, 60s), Stop::Done) << taken << " and " << call.received[1].size() << " of " << sent;
}

TEST(BadInput, ANatThatForgetsInTheMiddleOfATransferLosesNothingInSilence) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SeededGenerator luck{seed};
    Network network{luck};
    NatOptions options;
    options.filtering = static_cast<NatBehavior>(seed % 3);
    Nat& nat = network.add_nat(IpAddress::v4({198, 51, 100, 1}), options);
    Host& host_a = network.add_host("A", IpAddress::v4({10, 0, 0, 2}), &nat);
    Host& host_b = network.add_host("B", IpAddress::v4({203, 0, 113, 2}));
    Meeting m{network, host_a, host_b, seed};
    std::size_t received = 0;
    m.on_event = [&](Meeting::Peer& peer, Session::Event& event) {
      if (const auto* ready = std::get_if<Session::ChannelMessageReady>(&event)) {
        while (auto message = peer.session->receive(ready->channel)) {
          EXPECT_EQ(message->data.size(), 10'000U);
          ++received;
        }
      }
    };
    const Side speaker = seed % 2 == 0 ? Side::A : Side::B;
    Session& session = *m.peer(speaker).session;
    const ChannelId channel = session.create_data_channel(m.now(), "x").value();
    ASSERT_EQ(m.run_until([&] { return session.ready_state(channel) == DataChannelState::Open; }, 30s), Stop::Done);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(session.send(m.now(), channel, std::string(10'000, 'x')));
    m.run_for(30ms);
    nat.rebind();
    const auto over = [&] { return received == 100 || !m.a.failure.empty() || !m.b.failure.empty(); };
    EXPECT_EQ(m.run_until(over, patience), Stop::Done) << "seed " << seed << ", received " << received;
  }
}

/// On an ideal network everything is set up without a timer: no handshake message is sent twice.
TEST(SetUp, TakesLessThanTenRoundTripsAndNoRetransmission) {
  for (const Duration signaling : {0ms, 10ms, 40ms, 300ms}) {
    Call call;
    Meeting& m = call.meeting;
    m.signaling_delay = signaling;
    std::set<std::string> seen;
    std::uint64_t again = 0;
    m.world.filter = [&](auto& node, std::span<std::byte> bytes) {
      // Handshake records in the clear; behind the header with its record number.
      if (bytes.size() > 13 && bytes[0] == std::byte{22} && bytes[4] == std::byte{0}) {
        std::string body(node.host.name());
        for (const std::byte b : bytes.subspan(13)) body.push_back(static_cast<char>(b));
        if (!seen.insert(std::move(body)).second) ++again;
      }
      return true;
    };
    const TimePoint begin = call.now();
    call.begin();
    ASSERT_EQ(call.open(), Stop::Done);
    const Duration rtt = 2 * Call::latency;
    EXPECT_LT(call.now() - begin, 10 * rtt + 2 * signaling) << signaling / 1ms << " ms";
    EXPECT_GE(seen.size(), 2U);
    // The answerer's first flight is there before the answer, and is kept; no answer can be given to it until then.
    EXPECT_LE(again, signaling <= 10ms ? 0U : 8U) << signaling / 1ms << " ms";
  }
}

TEST(SetUp, WaitsForCandidatesLongerThanAHandshakeMayTake) {
  Call call;
  Meeting& m = call.meeting;
  m.candidate_delay = 32s;  // DTLS gives a handshake 30 s.
  call.begin();
  m.run_for(31s);
  EXPECT_TRUE(m.a.failure.empty() && m.b.failure.empty()) << m.a.failure << m.b.failure;
  EXPECT_EQ(call.open(), Stop::Done);
}

}  // namespace
}  // namespace linnet::sim
