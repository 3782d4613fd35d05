#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/testing_pair.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using ::testing::ElementsAre;
using testing::Pair;

const Tuning local{.ice_loopback_only = true};

/// The description with another fingerprint, as of somebody who is not who signaling says.
SessionDescription forged(SessionDescription description) {
  constexpr std::string_view line = "a=fingerprint:sha-256 ";
  char& digit = description.sdp.at(description.sdp.find(line) + line.size());
  digit = digit == 'A' ? 'B' : 'A';
  return description;
}

/// Offer and answer, where the answerer seems to be somebody else.
awaitable<void> negotiate_forged(Pair& p) {
  co_await p.a->set_local_description();
  const auto offer = *p.a->local_description();
  co_await p.b->set_remote_description(offer);
  co_await p.b->set_local_description();
  const auto answer = forged(*p.b->local_description());
  co_await p.a->set_remote_description(answer);
}

TEST(Failure, OfTheHandshakeIsToldByTheTransportTheConnectionAndEachChannel) {
  asio::io_context io;
  Pair pair{io.get_executor(), local};
  pair.a->on_negotiation_needed = [&]() -> awaitable<void> { co_await negotiate_forged(pair); };
  std::vector<DtlsTransportState> dtls;
  std::vector<std::string> log;
  std::optional<Error> error;
  auto chat = pair.a->create_data_channel("chat");
  chat.on_error = [&](const ErrorEvent& e) {
    log.emplace_back("error");
    error = e.error;
  };
  chat.on_close = [&] { log.emplace_back("close"); };
  pair.a->on_dtls_transport_state_change = [&](DtlsTransportState state) { dtls.push_back(state); };
  EXPECT_FALSE(pair.a->failure());
  testing::run(io, [](DataChannel c) -> awaitable<void> { co_await c.on_close.next(); }(chat));
  EXPECT_THAT(dtls, ElementsAre(DtlsTransportState::Connecting, DtlsTransportState::Failed));
  EXPECT_THAT(log, ElementsAre("error", "close"));
  EXPECT_EQ(pair.a->connection_state(), PeerConnectionState::Failed);
  ASSERT_TRUE(pair.a->failure());
  EXPECT_EQ(pair.a->failure()->detail, ErrorDetail::FingerprintFailure);
  EXPECT_EQ(error, pair.a->failure());
}

TEST(DtlsTransportEvents, TellOfTheHandshakeAndOfThePeersGoodbye) {
  asio::io_context io;
  Pair pair{io.get_executor(), local};
  std::vector<DtlsTransportState> states;
  pair.b->on_dtls_transport_state_change = [&](DtlsTransportState state) { states.push_back(state); };
  testing::run(io, [](Pair& p, const auto& seen) -> awaitable<void> {
    auto chat = p.a->create_data_channel("chat");
    auto event = co_await p.b->on_data_channel.next();
    EXPECT_THAT(seen, ElementsAre(DtlsTransportState::Connecting, DtlsTransportState::Connected));
    p.a->close();
    const auto last = co_await p.b->on_dtls_transport_state_change.next();
    EXPECT_EQ(last, DtlsTransportState::Closed);
  }(pair, states));
  EXPECT_FALSE(pair.b->failure());
  EXPECT_EQ(pair.b->connection_state(), PeerConnectionState::Connected);
}

}  // namespace
}  // namespace linnet
