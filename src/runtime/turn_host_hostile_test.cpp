#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "base/bytes.hpp"
#include "runtime/turn_host.hpp"
#include "turn_server/testing_client.hpp"

// TCP clients of the embedded server that write what they should not, or stop writing, beside one that has a relay.
namespace linnet::runtime {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using stun::AttributeType;
using turn_server::testing::Bytes;
using turn_server::testing::Client;
using namespace std::chrono_literals;

class HostileClient : public ::testing::Test {
 protected:
  ~HostileClient() override {
    if (host_) host_->stop();
  }
  void start(Duration first_limit = 10s) {
    TurnHostOptions options{.addresses = {IpAddress::v4({127, 0, 0, 1})}, .first_limit = first_limit};
    options.server.users = {{"ann", "apple"}};
    host_ = std::make_shared<TurnHost>(io_.get_executor(), std::move(options));
    ASSERT_TRUE(host_->start());
    good_ = connect();
    client_.learn(ask(good_, client_.allocate()));
    ASSERT_TRUE(succeeds(ask(good_, client_.allocate())));
  }
  tcp::socket connect() {
    tcp::socket socket{io_};
    socket.connect({asio::ip::address_v4::loopback(), host_->port()});
    socket.set_option(tcp::no_delay{true});
    return socket;
  }
  bool until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!condition() && std::chrono::steady_clock::now() < end) io_.run_one_for(20ms);
    return condition();
  }
  void say(tcp::socket& socket, const Bytes& bytes) {
    bool said = false;
    asio::async_write(socket, asio::buffer(bytes), [&](boost::system::error_code, std::size_t) { said = true; });
    ASSERT_TRUE(until([&] { return said; }));
  }
  /// The next answer over TCP.
  Bytes answer(tcp::socket& socket) {
    if (!until([&] { return socket.available() >= 20; })) return {};
    Bytes reply(20);
    asio::read(socket, asio::buffer(reply));
    Bytes body(load_be<std::uint16_t>(reply.data() + 2));
    asio::read(socket, asio::buffer(body));
    reply.insert(reply.end(), body.begin(), body.end());
    return reply;
  }
  Bytes ask(tcp::socket& socket, const Bytes& request) {
    say(socket, request);
    return answer(socket);
  }
  static bool succeeds(const Bytes& reply) {
    const auto view = stun::MessageView::parse(reply);
    return view && view->message_class() == stun::Class::Success;
  }
  /// The client that has a relay is served still.
  bool others_are_served() { return succeeds(ask(good_, client_.refresh(600))); }
  bool is_closed(tcp::socket& socket) {
    bool closed = false;
    std::array<std::byte, 1'000> room;
    asio::async_read(socket, asio::buffer(room), [&](boost::system::error_code error, std::size_t) {
      closed = error == asio::error::eof || error == asio::error::connection_reset;
    });
    const bool out = until([&] { return closed; });
    socket.close();
    (void)io_.poll();
    return out;
  }

  asio::io_context io_;
  std::shared_ptr<TurnHost> host_;
  Client client_{{}, "ann", "apple"};
  tcp::socket good_{io_};
};

TEST_F(HostileClient, ThatWritesByteByByteIsServed) {
  start();
  tcp::socket slow = connect();
  Client client{{}, "ann", "apple"};
  for (const std::byte byte : client.binding()) {
    say(slow, Bytes{byte});
    (void)io_.poll();
  }
  EXPECT_TRUE(succeeds(answer(slow)));
  EXPECT_TRUE(others_are_served());
}

TEST_F(HostileClient, ThatStopsInTheMiddleOfAFrameIsClosedInTime) {
  start(300ms);
  std::vector<tcp::socket> slow;
  // In the middle of the header, of a message, of ChannelData; and one that says nothing.
  const Bytes binding = Client{{}, "ann", "apple"}.binding();
  const Bytes channel = Client::channel_data(0x4000, Bytes(60'000));
  for (const Bytes& part : {Bytes{binding.begin(), binding.begin() + 10}, Bytes{binding.begin(), binding.end() - 1},
                            Bytes{channel.begin(), channel.begin() + 40'000}, Bytes{}}) {
    slow.push_back(connect());
    if (!part.empty()) say(slow.back(), part);
  }
  EXPECT_TRUE(until([&] { return host_->streams() == 1; })) << host_->streams();
  for (tcp::socket& socket : slow) EXPECT_TRUE(is_closed(socket));
  EXPECT_TRUE(others_are_served());
}

TEST_F(HostileClient, OfFramesOf64KiBAndOfNoneIsReadOn) {
  start();
  tcp::socket loud = connect();
  Bytes huge(20 + 65'532, std::byte{0});  // A message of nothing but attributes without a meaning.
  stun::MessageBuilder{huge, stun::Class::Request, stun::Method::Binding, {}};
  store_be(huge.data() + 2, std::uint16_t{65'532});
  Bytes channel = Client::channel_data(0x4000, Bytes(65'535));
  channel.push_back(std::byte{0});  // Padding.
  for (int i = 0; i < 20; ++i) {
    say(loud, huge);
    say(loud, channel);
  }
  Bytes empty;
  for (int i = 0; i < 20'000; ++i) {
    const Bytes one = Client::channel_data(0x4000, {});
    empty.insert(empty.end(), one.begin(), one.end());
  }
  say(loud, empty);
  EXPECT_TRUE(others_are_served());
  say(loud, client_.binding());
  bool served = false;
  for (int i = 0; i < 100 && !served; ++i) served = succeeds(answer(loud));
  EXPECT_TRUE(served);
  EXPECT_EQ(host_->kept(), 0U);
}

TEST_F(HostileClient, OfGarbageIsClosedAtOnceAlsoBehindARequest) {
  start();
  for (const bool behind_a_request : {false, true}) {
    tcp::socket strange = connect();
    Bytes said = behind_a_request ? client_.binding() : Bytes{};
    for (const char c : std::string_view{"\x80\xffGET / HTTP/1.1\r\n\r\n"}) said.push_back(static_cast<std::byte>(c));
    say(strange, said);
    EXPECT_TRUE(until([&] { return host_->streams() == 1; }));
    EXPECT_TRUE(is_closed(strange));
  }
  EXPECT_TRUE(others_are_served());
}

}  // namespace
}  // namespace linnet::runtime
