#include "io/udp_socket.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstring>
#include <vector>

namespace linnet::io {
namespace {

const IpAddress loopback4 = IpAddress::v4({127, 0, 0, 1});
const IpAddress loopback6 = *IpAddress::parse("::1");

UdpSocket bound(const IpAddress& address, const UdpSocket::Options& options = {}) {
  auto socket = UdpSocket::bind({address, 0}, options);
  if (!socket) throw std::system_error{socket.error()};
  return std::move(*socket);
}

void put(DatagramBatch& batch, const UdpSocket& from, const UdpSocket& to, std::size_t size, std::byte fill,
         Ecn ecn = Ecn::NotEct) {
  const auto room = batch.begin({from.local(), to.local()}, ecn, size);
  ASSERT_GE(room.size(), size);
  std::memset(room.data(), std::to_integer<int>(fill), size);
  batch.commit(size);
}

bool wait_readable(const UdpSocket& socket) {
  pollfd p{.fd = socket.native_handle(), .events = POLLIN, .revents = 0};
  return ::poll(&p, 1, 2'000) == 1;
}

struct Received {
  std::vector<std::byte> bytes;
  Ecn ecn;
  Path path;
};
std::vector<Received> receive_all(UdpSocket& socket, std::size_t count) {
  std::vector<Received> out;
  ReceiveBatch batch;
  while (out.size() < count && wait_readable(socket)) {
    socket.receive(TimePoint{}, batch);
    for (const Datagram& d : batch.datagrams()) out.push_back({{d.bytes.begin(), d.bytes.end()}, d.ecn, d.path});
  }
  return out;
}

class UdpSocketOn : public ::testing::TestWithParam<IpAddress> {};
INSTANTIATE_TEST_SUITE_P(Loopback, UdpSocketOn, ::testing::Values(loopback4, loopback6),
                         [](const auto& p) { return p.param.is_v4() ? "IPv4" : "IPv6"; });

TEST_P(UdpSocketOn, DeliversDatagramsOfManySizesInOrderWithPathAndEcn) {
  auto a = bound(GetParam()), b = bound(GetParam());
  DatagramBatch batch;
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < 100; ++i) {
    const std::size_t size = i % 10 == 9 ? 37 + i : 1'200;  // Runs of equal sizes, with shorter ends.
    sizes.push_back(size);
    put(batch, a, b, size, static_cast<std::byte>(i), Ecn::Ect0);
  }
  const auto sent = a.send(batch.runs());
  EXPECT_EQ(sent.runs, batch.runs().size());
  EXPECT_FALSE(sent.blocked);
  EXPECT_EQ(a.counters().sent, sizes.size());

  const auto got = receive_all(b, sizes.size());
  ASSERT_EQ(got.size(), sizes.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].bytes, std::vector<std::byte>(sizes[i], static_cast<std::byte>(i)));
    EXPECT_EQ(got[i].ecn, Ecn::Ect0);
    EXPECT_EQ(got[i].path.remote, a.local());
    EXPECT_EQ(got[i].path.local, b.local());
  }
}

TEST(UdpSocket, SaysBlockedAndGoesOnWhereItStopped) {
  // A tiny send buffer and nobody who reads: on loopback the receiver's queue takes what fits and drops the rest, so
  // only progress and the final count can be checked.
  auto a = bound(loopback4, {.receive_buffer = 65'536, .send_buffer = 2'048}), b = bound(loopback4);
  DatagramBatch batch;
  for (int i = 0; i < 40; ++i) put(batch, a, b, 1'000, std::byte{7});
  std::size_t runs = 0, skip = 0;
  for (int round = 0; round < 1'000 && runs < batch.runs().size(); ++round) {
    const auto sent = a.send(batch.runs().subspan(runs), skip);
    runs += sent.runs;
    skip = sent.bytes;
  }
  EXPECT_EQ(runs, batch.runs().size());
  EXPECT_EQ(a.counters().sent + a.counters().dropped, 40U);
}

TEST(UdpSocket, DropsAndCountsADatagramThatIsLargerThanThePathTakes) {
  auto a = bound(loopback4), b = bound(loopback4);
  DatagramBatch batch;
  put(batch, a, b, DatagramBatch::max_datagram, std::byte{1});
  put(batch, a, b, 10, std::byte{2});
  (void)a.send(batch.runs());
  // 65,507 bytes pass over loopback (MTU 65,536); what must hold is that the small one arrives in any case.
  const auto got = receive_all(b, 2);
  ASSERT_FALSE(got.empty());
  EXPECT_EQ(got.back().bytes.size(), 10U);
}

TEST(UdpSocket, TellsWhatTheSystemRefused) {
  auto a = bound(loopback4), b = bound(loopback4);
  const Path nowhere{a.local(), {loopback4, 0}};
  DatagramBatch batch;
  for (int i = 0; i < 2; ++i) {
    ASSERT_GE(batch.begin(nowhere, Ecn::NotEct, 30).size(), 30U);
    batch.commit(30);
  }
  put(batch, a, b, 5, std::byte{3});
  const auto sent = a.send(batch.runs());
  EXPECT_EQ(sent.runs, batch.runs().size());
  EXPECT_EQ(receive_all(b, 1).size(), 1U);
  ASSERT_EQ(a.dropped().size(), 1U);
  EXPECT_EQ(a.dropped().front().path, nowhere);
  EXPECT_EQ(a.dropped().front().datagrams, 2U);
  EXPECT_EQ(a.dropped().front().bytes, 60U);
  EXPECT_EQ(a.counters().dropped, 2U);
  batch.clear();
  put(batch, a, b, 5, std::byte{3});
  (void)a.send(batch.runs());
  EXPECT_TRUE(a.dropped().empty()) << "only of the last time";
}

TEST(UdpSocket, SurvivesAnIcmpAnswer) {
  auto a = bound(loopback4);
  Endpoint nobody;
  {
    nobody = bound(loopback4).local();
  }
  auto b = bound(loopback4);
  DatagramBatch batch;
  for (int i = 0; i < 3; ++i) {
    batch.clear();
    const auto room = batch.begin({a.local(), nobody}, Ecn::NotEct, 4);
    std::memset(room.data(), 0, 4);
    batch.commit(4);
    put(batch, a, b, 5, std::byte{3});
    (void)a.send(batch.runs());
  }
  EXPECT_EQ(receive_all(b, 3).size(), 3U);
}

TEST(UdpSocket, TakesAPortOfTheRangeAndFailsWhenAllAreTaken) {
  auto first = bound(loopback4);
  const std::uint16_t port = first.local().port;
  auto second = UdpSocket::bind({loopback4, 0}, {.port_min = port, .port_max = port});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), std::errc::address_in_use);
}

#if defined(__linux__) && !defined(LINNET_IO_PORTABLE)
TEST(UdpSocket, AsksTheKernelToJoinDatagramsOnlyOnceSeveralWaitAtOnce) {
  auto a = bound(loopback4);
  auto b = bound(loopback4);
  DatagramBatch batch;
  for (int i = 0; i < 20; ++i) {
    batch.clear();
    put(batch, a, b, 100, std::byte{1});
    a.send(batch.runs());
    ASSERT_EQ(receive_all(b, 1).size(), 1U);
  }
  EXPECT_FALSE(b.receive_offload());
  const auto burst = [&](std::byte fill) {
    batch.clear();
    for (int i = 0; i < 12; ++i) put(batch, a, b, 100, fill);
    a.send(batch.runs());
    const auto got = receive_all(b, 12);
    EXPECT_EQ(got.size(), 12U);
    for (const Received& r : got) EXPECT_EQ(r.bytes, std::vector<std::byte>(100, fill));
  };
  burst(std::byte{2});
  EXPECT_TRUE(b.receive_offload());
  burst(std::byte{3});
  EXPECT_FALSE(a.receive_offload());
}
#endif

TEST(UdpSocket, GivesNothingWhenNothingArrived) {
  auto a = bound(loopback4);
  ReceiveBatch batch;
  EXPECT_FALSE(a.receive(TimePoint{}, batch));
  EXPECT_TRUE(batch.datagrams().empty());
}

}  // namespace
}  // namespace linnet::io
