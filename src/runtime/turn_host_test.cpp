#include "runtime/turn_host.hpp"

#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "base/bytes.hpp"
#include "runtime/testing/no_descriptors.hpp"
#include "turn_server/testing_client.hpp"

namespace linnet::runtime {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using stun::AttributeType;
using turn_server::testing::Bytes;
using turn_server::testing::Client;

class TurnHostTest : public ::testing::Test {
 protected:
  ~TurnHostTest() override {
    if (host_) host_->stop();
  }
  void start(std::vector<IpAddress> addresses) {
    TurnHostOptions options{.addresses = std::move(addresses)};
    options.server.users = {{"ann", "apple"}};
    options.server.peers.allow_loopback = true;
    host_ = std::make_shared<TurnHost>(io_.get_executor(), std::move(options));
    ASSERT_TRUE(host_->start());
  }
  bool until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!condition() && std::chrono::steady_clock::now() < end) io_.run_one_for(std::chrono::milliseconds{20});
    return condition();
  }
  /// A request over TCP and its answer.
  Bytes ask(tcp::socket& socket, const Bytes& request) {
    asio::write(socket, asio::buffer(request));
    if (!until([&] { return socket.available() >= 20; })) return {};
    Bytes reply(20);
    asio::read(socket, asio::buffer(reply));
    Bytes body(load_be<std::uint16_t>(reply.data() + 2));
    asio::read(socket, asio::buffer(body));
    reply.insert(reply.end(), body.begin(), body.end());
    return reply;
  }

  asio::io_context io_;
  std::shared_ptr<TurnHost> host_;
};

TEST_F(TurnHostTest, KeepsLittleForAClientThatReadsNothing) {
  start({IpAddress::v4({127, 0, 0, 1})});
  tcp::socket socket{io_};
  socket.open(tcp::v4());
  socket.set_option(asio::socket_base::receive_buffer_size{4'096});
  socket.connect({asio::ip::address_v4::loopback(), host_->port()});
  Client client{{}, "ann", "apple"};
  client.learn(ask(socket, client.allocate()));
  const Bytes allocated = ask(socket, client.allocate());
  const auto view = stun::MessageView::parse(allocated);
  ASSERT_TRUE(view);
  const auto relayed = view->xor_address(AttributeType::XorRelayedAddress);
  ASSERT_TRUE(relayed);
  udp::socket peer{io_, {asio::ip::address_v4::loopback(), 0}};
  const Endpoint peer_at{IpAddress::v4({127, 0, 0, 1}), peer.local_endpoint().port()};
  ASSERT_FALSE(ask(socket, client.bind(0x4000, peer_at)).empty());

  const Bytes datagram(1'200);
  std::size_t most = 0;
  // More than the system keeps for such a connection.
  for (int i = 0; i < 10'000; ++i) {
    peer.send_to(asio::buffer(datagram), {asio::ip::address_v4::loopback(), relayed->port});
    if (i % 10 != 0) continue;
    io_.poll();
    most = std::max(most, host_->kept());
  }
  EXPECT_GT(most, TurnHost::max_kept / 2) << "the client was not slow";
  EXPECT_LE(most, TurnHost::max_kept);
  EXPECT_EQ(host_->streams(), 1U);

  // What was kept cannot be sent any more, and nothing else happens on this server: its relay ends all the same.
  socket.set_option(asio::socket_base::linger{true, 0});
  socket.close();
  const auto is_free = [&] {
    boost::system::error_code taken;
    udp::socket probe{io_, udp::v4()};
    probe.bind({asio::ip::address_v4::loopback(), relayed->port}, taken);
    return !taken;
  };
  EXPECT_TRUE(until([&] { return host_->streams() == 0; }));
  EXPECT_TRUE(until(is_free));
}

TEST_F(TurnHostTest, AcceptsAgainOnAllItsAddressesWhenThereAreDescriptorsAgain) {
  const std::vector addresses{IpAddress::v4({127, 0, 0, 1}), IpAddress::v4({127, 0, 0, 2})};
  start(addresses);
  std::vector<tcp::socket> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back(io_).open(tcp::v4());
  const auto connect = [&](std::size_t client, const char* address) {
    clients[client].connect({asio::ip::make_address_v4(address), host_->port()});
  };
  {
    const testing::NoDescriptors none;
    connect(0, "127.0.0.1");
    connect(1, "127.0.0.2");
    (void)io_.run_for(std::chrono::milliseconds{50});
    EXPECT_EQ(host_->streams(), 0U);
  }
  EXPECT_TRUE(until([&] { return host_->streams() == 2; }));
  connect(2, "127.0.0.1");
  connect(3, "127.0.0.2");
  EXPECT_TRUE(until([&] { return host_->streams() == 4; }));
}

}  // namespace
}  // namespace linnet::runtime
