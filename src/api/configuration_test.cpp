#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/udp.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "api/testing_pair.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::udp;
using ::testing::HasSubstr;

template <class Call>
std::optional<ErrorName> error_of(Call&& call) {
  try {
    call();
  } catch (const Exception& e) {
    return e.name();
  }
  return std::nullopt;
}

TEST(Configuration, IsGivenBackAsItWasSet) {
  asio::io_context io;
  const Configuration first{.ice_servers = {{.urls = {"stun:127.0.0.1:3478"}}},
                            .bundle_policy = BundlePolicy::MaxBundle,
                            .certificates = {PeerConnection::generate_certificate()}};
  PeerConnection pc{io, first};
  EXPECT_EQ(pc.get_configuration(), first);
  Configuration second = first;
  second.ice_servers = {{.urls = {"turn:127.0.0.1"}, .username = "user", .credential = "secret"}};
  second.ice_transport_policy = IceTransportPolicy::Relay;
  pc.set_configuration(second);
  EXPECT_EQ(pc.get_configuration(), second);
}

TEST(Configuration, ThatIsRefusedThrowsAndLeavesTheOneBefore) {
  asio::io_context io;
  PeerConnection pc{io};
  const Configuration before = pc.get_configuration();
  EXPECT_EQ(error_of([&] { pc.set_configuration({.bundle_policy = BundlePolicy::MaxCompat}); }),
            ErrorName::InvalidModificationError);
  EXPECT_EQ(error_of([&] { pc.set_configuration({.ice_servers = {{.urls = {"nonsense"}}}}); }), ErrorName::SyntaxError);
  EXPECT_EQ(pc.get_configuration(), before);
  pc.close();
  EXPECT_EQ(error_of([&] { pc.set_configuration(before); }), ErrorName::InvalidStateError);
}

TEST(GenerateCertificate, MakesOneOfAMonthThatIsOfferedByItsFingerprint) {
  const Certificate certificate = PeerConnection::generate_certificate();
  const auto age = std::chrono::system_clock::now() - certificate.expires();
  EXPECT_LT(age, -std::chrono::days{29});
  EXPECT_GT(age, -std::chrono::days{31});
  const DtlsFingerprint fingerprint = certificate.get_fingerprints().at(0);
  EXPECT_NE(PeerConnection::generate_certificate().get_fingerprints().at(0), fingerprint);

  asio::io_context io;
  PeerConnection pc{io, Configuration{.certificates = {certificate}}};
  auto channel = pc.create_data_channel("x");
  std::string sdp;
  pc.create_offer([&](std::exception_ptr e, const SessionDescription& offer) {
    EXPECT_FALSE(e);
    sdp = offer.sdp;
  });
  io.poll();
  EXPECT_THAT(sdp, HasSubstr("a=fingerprint:sha-256 " + fingerprint.value + "\r\n"));
}

TEST(Configuration, WithAnEmptyCertificateIsRefusedByTheConstructor) {
  asio::io_context io;
  EXPECT_EQ(error_of([&] { PeerConnection(io, Configuration{.certificates = {Certificate{}}}); }),
            ErrorName::InvalidAccessError);
}

/// A STUN server that refuses everything. RFC 8489 section 5 (header), section 14.8 (ERROR-CODE: 500).
awaitable<udp::endpoint> refuse_once(udp::socket& server) {
  std::array<unsigned char, 1'500> packet{};
  udp::endpoint from;
  co_await server.async_receive_from(asio::buffer(packet), from, asio::use_awaitable);
  constexpr std::array<unsigned char, 12> attribute{0, 9, 0, 8, 0, 0, 5, 0, 'b', 'u', 's', 'y'};
  packet[0] = 1;
  packet[1] = 0x11;
  packet[2] = 0;
  packet[3] = attribute.size();
  std::ranges::copy(attribute, packet.begin() + 20);
  co_await server.async_send_to(asio::buffer(packet.data(), 20 + attribute.size()), from, asio::use_awaitable);
  co_return from;
}

TEST(IceCandidateErrors, TellWhichServerRefusedWhichLocalAddressAndWhy) {
  asio::io_context io;
  udp::socket server{io, udp::endpoint{asio::ip::address_v4::loopback(), 0}};
  const std::string url = "stun:127.0.0.1:" + std::to_string(server.local_endpoint().port());
  PeerConnection pc{io, Configuration{.ice_servers = {{.urls = {url}}}},
                    Tuning{.ice_loopback_only = true, .use_ipv6 = false}};
  auto channel = pc.create_data_channel("x");
  std::optional<IceCandidateErrorEvent> error;
  pc.on_ice_candidate_error = [&](const IceCandidateErrorEvent& e) { error = e; };
  udp::endpoint from;
  testing::run(io, [](PeerConnection& p, udp::socket& s, udp::endpoint& client, const auto& told) -> awaitable<void> {
    co_await p.set_local_description();
    client = co_await refuse_once(s);
    if (!told) co_await p.on_ice_candidate_error.next();
  }(pc, server, from, error));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->address, "127.0.0.1");
  EXPECT_EQ(error->port, from.port());
  EXPECT_EQ(error->url, url);
  EXPECT_EQ(error->error_code, 500);
  EXPECT_EQ(error->error_text, "busy");
}

}  // namespace
}  // namespace linnet
