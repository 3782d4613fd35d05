#include "io/tcp_socket.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <cstring>
#include <numeric>
#include <optional>
#include <vector>

#include "io/tcp_listener.hpp"

namespace linnet::io {
namespace {

const IpAddress loopback4 = IpAddress::v4({127, 0, 0, 1});
const IpAddress loopback6 = *IpAddress::parse("::1");

bool wait_for(int fd, short what) {
  pollfd p{.fd = fd, .events = what, .revents = 0};
  return ::poll(&p, 1, 2'000) == 1;
}

TcpListener listening(const IpAddress& address, const TcpListener::Options& options = {}) {
  auto listener = TcpListener::bind({address, 0}, options);
  if (!listener) throw std::system_error{listener.error()};
  return std::move(*listener);
}

/// Both ends of one connection.
struct Connection {
  explicit Connection(const IpAddress& address, const IpAddress& from = {}) : listener(listening(address)) {
    auto socket = TcpSocket::connect(from, listener.local());
    if (!socket) throw std::system_error{socket.error()};
    client.emplace(std::move(*socket));
    EXPECT_TRUE(wait_for(client->native_handle(), POLLOUT));
    EXPECT_FALSE(client->connect_result());
    EXPECT_TRUE(wait_for(listener.native_handle(), POLLIN));
    auto accepted = listener.accept();
    if (!accepted) throw std::system_error{accepted.error()};
    remote = accepted->remote;
    server.emplace(std::move(accepted->socket));
  }
  TcpListener listener;
  std::optional<TcpSocket> client;
  std::optional<TcpSocket> server;
  Endpoint remote;
};

class TcpSocketOn : public ::testing::TestWithParam<IpAddress> {};
INSTANTIATE_TEST_SUITE_P(Loopback, TcpSocketOn, ::testing::Values(loopback4, loopback6),
                         [](const auto& p) { return p.param.is_v4() ? "IPv4" : "IPv6"; });

TEST_P(TcpSocketOn, CarriesPiecesInOrderBothWays) {
  Connection c{GetParam(), GetParam()};
  EXPECT_EQ(c.remote.address, GetParam());
  std::vector<std::byte> data(1'000);
  std::iota(reinterpret_cast<unsigned char*>(data.data()), reinterpret_cast<unsigned char*>(data.data()) + 1'000, 0);
  const std::span<const std::byte> all{data};
  const std::array pieces{all.first(2), all.subspan(2, 0), all.subspan(2, 700), all.subspan(702)};
  for (auto [from, to] : {std::pair{&*c.client, &*c.server}, std::pair{&*c.server, &*c.client}}) {
    const auto sent = from->write(pieces);
    EXPECT_EQ(sent.bytes, 1'000U);
    EXPECT_FALSE(sent.blocked);
    std::vector<std::byte> got;
    while (got.size() < 1'000 && wait_for(to->native_handle(), POLLIN)) {
      std::array<std::byte, 400> buffer;
      const auto read = to->read(buffer);
      ASSERT_GT(read.bytes, 0U);
      got.insert(got.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(read.bytes));
    }
    EXPECT_EQ(got, data);
    std::array<std::byte, 1> more;
    EXPECT_TRUE(to->read(more).blocked);
  }
}

TEST(TcpSocket, TellsHowFarItCameWhenThePeerReadsNothing) {
  Connection c{loopback4};
  const std::vector<std::byte> data(1'048'576);
  const std::array<std::span<const std::byte>, 1> pieces{data};
  std::size_t sent = 0;
  TcpSocket::Moved last;
  for (int i = 0; i < 64 && !last.blocked; ++i) sent += (last = c.client->write(pieces)).bytes;
  EXPECT_TRUE(last.blocked);
  EXPECT_FALSE(last.error);
  std::size_t got = 0;
  std::vector<std::byte> buffer(65'536);
  while (got < sent && wait_for(c.server->native_handle(), POLLIN)) got += c.server->read(buffer).bytes;
  EXPECT_EQ(got, sent);
  EXPECT_TRUE(wait_for(c.client->native_handle(), POLLOUT));
}

TEST(TcpSocket, TellsThatThePeerHasEnded) {
  Connection c{loopback4};
  c.client->end();
  ASSERT_TRUE(wait_for(c.server->native_handle(), POLLIN));
  std::array<std::byte, 1> buffer;
  EXPECT_TRUE(c.server->read(buffer).ended);
}

TEST(TcpSocket, WritingToAPeerThatIsGoneIsAnErrorAndNoSignal) {
  Connection c{loopback4};
  c.server.reset();
  const std::array<std::byte, 10> data{};
  const std::array<std::span<const std::byte>, 1> pieces{data};
  TcpSocket::Moved moved;
  for (int i = 0; i < 1'000 && !moved.error; ++i) {
    moved = c.client->write(pieces);
    (void)wait_for(c.client->native_handle(), POLLIN);
  }
  EXPECT_TRUE(moved.error);
}

TEST(TcpSocket, TellsThatNobodyListens) {
  const Endpoint nobody = listening(loopback4).local();
  auto socket = TcpSocket::connect({}, nobody);
  ASSERT_TRUE(socket);
  ASSERT_TRUE(wait_for(socket->native_handle(), POLLOUT));
  EXPECT_EQ(socket->connect_result(), std::errc::connection_refused);
}

TEST(TcpListener, HasNothingToAcceptWhenNobodyCame) {
  auto listener = listening(loopback4);
  const auto accepted = listener.accept();
  ASSERT_FALSE(accepted);
  EXPECT_EQ(accepted.error(), std::errc::operation_would_block);
}

TEST(TcpListener, TakesTheNextPortOfTheRange) {
  const auto first = listening(loopback4);
  const std::uint16_t port = first.local().port;
  if (port > 65'000) GTEST_SKIP() << "no room above " << port;
  const auto second = listening(loopback4, {.port_min = port, .port_max = static_cast<std::uint16_t>(port + 20)});
  EXPECT_GT(second.local().port, port);
  EXPECT_LE(second.local().port, port + 20);
  EXPECT_FALSE(TcpListener::bind({loopback4, 0}, {.port_min = port, .port_max = port}));
}

}  // namespace
}  // namespace linnet::io
