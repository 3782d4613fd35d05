#include "runtime/tcp_mux.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "linnet/core/generator.hpp"
#include "runtime/testing/no_descriptors.hpp"
#include "stun/message_builder.hpp"

// Strangers at the door of many sessions.
namespace linnet::runtime {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;
using Bytes = std::vector<std::byte>;

const IpAddress loopback = IpAddress::v4({127, 0, 0, 1});

Bytes framed(std::span<const std::byte> datagram) {
  Bytes out{static_cast<std::byte>(datagram.size() >> 8), static_cast<std::byte>(datagram.size() & 0xFF)};
  out.insert(out.end(), datagram.begin(), datagram.end());
  return out;
}
Bytes check_for(std::string_view fragment, stun::Class cls = stun::Class::Request) {
  SeededGenerator random{1};
  std::array<std::byte, 128> buffer{};
  stun::MessageBuilder message{buffer, cls, stun::Method::Binding, stun::TransactionId::random(random)};
  message.text(stun::AttributeType::Username, std::string(fragment) + ":peer");
  const std::size_t size = message.fingerprint().finish();
  return framed(std::span{buffer}.first(size));
}

class TcpMuxTest : public ::testing::Test {
 protected:
  struct HandedOver {
    std::optional<io::TcpSocket> socket;
    Path path;
    Bytes first;
  };

  void open(const TcpMux::Limits& limits = {}) {
    std::uint16_t port = 0;
    {
      const tcp::acceptor any{io, tcp::endpoint{tcp::v4(), 0}};
      port = any.local_endpoint().port();
    }
    mux = TcpMux::make(io.get_executor(), port, limits);
    member = mux->join({.owner = nullptr, .accept = [this](io::TcpSocket socket, const Path& path, Bytes first) {
                          streams.push_back({std::move(socket), path, std::move(first)});
                        }});
    mux->set_username_fragments(*member, {"mine"});
    const auto local = mux->open(loopback);
    ASSERT_TRUE(local);
    at = *local;
  }
  void TearDown() override {
    if (member) mux->leave(*member);
  }
  tcp::socket connect(const char* from = "127.0.0.1") {
    tcp::socket socket{io, tcp::endpoint{asio::ip::make_address_v4(from), 0}};
    socket.connect({asio::ip::address_v4::loopback(), at.port});
    return socket;
  }
  static void say(tcp::socket& socket, std::span<const std::byte> bytes) {
    asio::write(socket, asio::buffer(bytes.data(), bytes.size()));
  }
  template <class Done>
  void run_until(Done done) {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (!done() && std::chrono::steady_clock::now() < limit) {
      if (io.stopped()) io.restart();
      io.run_one_for(100ms);
    }
    EXPECT_TRUE(done());
  }

  asio::io_context io;
  std::shared_ptr<TcpMux> mux;
  std::optional<TcpMux::MemberId> member;
  std::vector<HandedOver> streams;
  Endpoint at;
};

TEST_F(TcpMuxTest, AStreamIsTheSessionsThatItsFirstCheckNames) {
  open();
  tcp::socket peer = connect();
  Bytes said = check_for("mine");
  const Bytes check = said;
  const Bytes more = framed(Bytes(30, std::byte{7}));
  said.insert(said.end(), more.begin(), more.end());
  say(peer, said);
  run_until([&] { return streams.size() == 1; });
  ASSERT_EQ(streams.size(), 1U);
  EXPECT_EQ(streams[0].path.local, at);
  EXPECT_EQ(streams[0].path.remote.port, peer.local_endpoint().port());
  EXPECT_EQ(streams[0].first, check);
  Bytes rest(100);
  EXPECT_EQ(streams[0].socket->read(rest).bytes, more.size()) << "what follows is still there";
  EXPECT_EQ(mux->strangers(), 0U);
}

TEST_F(TcpMuxTest, AcceptsAgainOnAllAddressesWhenThereAreDescriptorsAgain) {
  open();
  ASSERT_TRUE(mux->open(IpAddress::v4({127, 0, 0, 2})));
  std::vector<tcp::socket> peers;
  for (int i = 0; i < 4; ++i) peers.emplace_back(io).open(tcp::v4());
  const auto connect_to_each = [&](std::size_t first) {
    peers[first].connect({asio::ip::make_address_v4("127.0.0.1"), at.port});
    peers[first + 1].connect({asio::ip::make_address_v4("127.0.0.2"), at.port});
  };
  {
    const testing::NoDescriptors none;
    connect_to_each(0);
    (void)io.run_for(50ms);
    EXPECT_EQ(mux->strangers(), 0U);
  }
  run_until([&] { return mux->strangers() == 2; });
  connect_to_each(2);
  run_until([&] { return mux->strangers() == 4; });
}

TEST_F(TcpMuxTest, TheFirstCheckMayComeByteByByte) {
  open();
  tcp::socket peer = connect();
  for (const std::byte b : check_for("mine")) {
    say(peer, std::span{&b, 1});
    io.poll();
  }
  run_until([&] { return streams.size() == 1; });
}

TEST_F(TcpMuxTest, StrangersThatDoNotSayWhomTheyWantAreNotWaitedFor) {
  open({.patience = 300ms});
  tcp::socket silent = connect();
  tcp::socket halting = connect();
  const Bytes check = check_for("mine");
  say(halting, std::span{check}.first(check.size() - 1));
  run_until([&] { return mux->statistics().timed_out == 2; });
  EXPECT_EQ(mux->strangers(), 0U);
  // Those who come later are not worse off.
  tcp::socket peer = connect();
  say(peer, check);
  run_until([&] { return streams.size() == 1; });
  std::array<char, 1> nothing{};
  boost::system::error_code error;
  EXPECT_EQ(silent.read_some(asio::buffer(nothing), error), 0U);
  EXPECT_TRUE(error);
}

TEST_F(TcpMuxTest, StrangersThatSaySomethingElseAreSentAway) {
  open();
  std::uint64_t came = 0;
  const auto say_once = [&](const Bytes& bytes) {
    ++came;
    tcp::socket peer = connect();
    say(peer, bytes);
    run_until([&] { return mux->statistics().accepted == came && mux->strangers() == 0; });
  };
  Bytes huge(2'000, std::byte{0});
  huge[0] = huge[1] = std::byte{0xFF};
  say_once(huge);
  EXPECT_EQ(mux->statistics().malformed, 1U);
  const std::string_view http = "GET / HTTP/1.1\r\n\r\n";
  say_once(
      {reinterpret_cast<const std::byte*>(http.data()), reinterpret_cast<const std::byte*>(http.data() + http.size())});
  say_once({std::byte{0}, std::byte{0}});
  say_once(framed(Bytes(64, std::byte{0})));
  say_once(check_for("mine", stun::Class::Success));
  EXPECT_EQ(mux->statistics().malformed, 5U);
  say_once(check_for("nobody"));
  EXPECT_EQ(mux->statistics().unknown, 1U);
  {
    tcp::socket peer = connect();
    say(peer, Bytes{std::byte{0}});
  }
  run_until([&] { return mux->statistics().ended == 1 && mux->strangers() == 0; });
  EXPECT_TRUE(streams.empty());
}

TEST_F(TcpMuxTest, AFloodFromOneAddressCrowdsOutItselfAndNobodyElse) {
  open({.strangers = 8});
  tcp::socket peer = connect("127.0.0.2");
  run_until([&] { return mux->strangers() == 1; });
  std::vector<tcp::socket> flood;
  for (int i = 0; i < 100; ++i) {
    flood.push_back(connect());
    io.poll();
  }
  run_until([&] { return mux->statistics().accepted == 101; });
  EXPECT_EQ(mux->strangers(), 8U);
  EXPECT_EQ(mux->statistics().crowded_out, 93U);
  say(peer, check_for("mine"));
  run_until([&] { return streams.size() == 1; });
}

TEST_F(TcpMuxTest, OfManyFromEverywhereTheOneThatHasWaitedLongestMakesRoom) {
  open({.strangers = 3});
  std::vector<tcp::socket> peers;
  for (const char* const from : {"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"}) {
    peers.push_back(connect(from));
    run_until([&] { return mux->statistics().accepted == peers.size(); });
  }
  EXPECT_EQ(mux->statistics().crowded_out, 1U);
  for (std::size_t i = 1; i < peers.size(); ++i) {
    say(peers[i], check_for("mine"));
    run_until([&] { return streams.size() == i; });
  }
}

TEST_F(TcpMuxTest, ThePortIsFreeWhenNobodyIsLeft) {
  open();
  tcp::socket stranger = connect();
  run_until([&] { return mux->strangers() == 1; });
  mux->leave(*std::exchange(member, std::nullopt));
  mux.reset();
  io.restart();
  io.poll();
  EXPECT_TRUE(io.stopped()) << "something is still waited for";
  tcp::acceptor again{io};
  again.open(tcp::v4());
  again.set_option(tcp::acceptor::reuse_address{true});
  EXPECT_NO_THROW(again.bind({asio::ip::address_v4::loopback(), at.port}));
}

}  // namespace
}  // namespace linnet::runtime
