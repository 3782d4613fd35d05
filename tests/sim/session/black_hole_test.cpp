// A path that carries less than it did, and tells nobody: what was found by RFC 8899 must be lost again by it.
#include <gtest/gtest.h>

#include <string>

#include "sim/session/call.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t messages = 120;
constexpr std::size_t size = 65'536;

/// Everything on the path, both ways.
void set_path(Call& call, std::size_t mtu) {
  for (Meeting::Peer* peer : {&call.meeting.a, &call.meeting.b}) {
    for (const IpAddress& address : peer->host.addresses()) {
      LinkOptions options{.latency = Call::latency / 2};
      options.bits_per_second = 50'000'000;
      options.mtu = mtu;
      options.header_bytes = 28;
      peer->host.access(address).up.set_options(options);
      peer->host.access(address).down.set_options(options);
    }
  }
}

/// The largest packet that the sender's SCTP writes now, as its statistics tell.
std::size_t found(Call& call) {
  const StatsReport report = call.meeting.a.session->get_stats(call.now());
  for (const auto& [id, stats] : report) {
    if (const auto* sctp = std::get_if<SctpTransportStats>(&stats)) return sctp->mtu;
  }
  return 0;
}

/// What SCTP can use of a path: without the headers of IPv4, UDP and a DTLS record with AES-GCM.
constexpr std::size_t usable(std::size_t mtu) { return mtu - 28 - 37; }

/// Of the sizes that are tried, the largest that the path carries.
void expect_found(Call& call, std::size_t mtu) {
  EXPECT_GT(found(call), usable(mtu) * 9 / 10) << mtu;
  EXPECT_LE(found(call), usable(mtu)) << mtu;
}

/// Sends it all, changes the path after a third, and sees the rest arrive.
void transfer(Call& call, std::size_t mtu_before, std::size_t mtu_after, Duration limit) {
  set_path(call, mtu_before);
  call.begin();
  ASSERT_EQ(call.open(), Stop::Done);
  Meeting& m = call.meeting;
  for (std::size_t i = 0; i < messages; ++i) {
    const std::string data(size, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(m.a.session->send(call.now(), call.channel, data));
  }
  auto& received = call.received[1];
  ASSERT_EQ(m.run_until([&] { return received.size() >= messages / 3; }, 30s), Stop::Done);
  expect_found(call, mtu_before);
  set_path(call, mtu_after);
  ASSERT_EQ(m.run_until([&] { return received.size() == messages; }, limit), Stop::Done) << received.size();
  expect_found(call, mtu_after);
  for (std::size_t i = 0; i < messages; ++i)
    ASSERT_EQ(received[i].text(), std::string(size, static_cast<char>('a' + i % 26))) << i;
  EXPECT_TRUE(m.a.failure.empty() && m.b.failure.empty()) << m.a.failure << m.b.failure;
}

TEST(BlackHole, ATransferFindsTheEthernetPathAndOutlivesATunnelOnIt) {
  Call call;
  transfer(call, 1'500, 1'340, 10s);
}

TEST(BlackHole, ATransferOnJumboFramesOutlivesThatTheyGo) {
  Call call;
  transfer(call, 9'000, 1'500, 10s);
}

TEST(BlackHole, APathThatCarriesMoreIsNoticedInTime) {
  Call call;
  transfer(call, 1'340, 9'000, 10s);
}

}  // namespace
}  // namespace linnet::sim
