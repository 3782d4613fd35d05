#include "runtime/socket_set.hpp"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "io/clock.hpp"

namespace linnet::runtime {
namespace {

using boost::asio::ip::udp;

const IpAddress loopback = IpAddress::v4({127, 0, 0, 1});

/// Two sessions' sockets on one shared port of loopback.
class SharedSocketSets : public testing::Test {
 protected:
  static Tuning on_a_free_port() {
    Tuning out;
    out.ice_loopback_only = true;
    out.use_ipv6 = false;
    boost::asio::io_context io;
    out.udp_mux_port = udp::socket{io, {udp::v4(), 0}}.local_endpoint().port();
    return out;
  }
  SharedSocketSets() {
    mux = *UdpMux::at(io.get_executor(), tuning);
    for (SocketSet* set : {&first, &second}) {
      set->on_ready(alive, {.readable = [](SocketSet::Socket&) {},
                            .received = [](std::span<const Datagram>) {},
                            .pump = [](TimePoint) {},
                            .writable = [] {},
                            .discarded = [this](const Path& path, std::uint64_t packets,
                                                std::uint64_t bytes) { discarded.push_back({path, packets, bytes}); }});
      set->share(mux);
    }
  }
  ~SharedSocketSets() override {
    first.close();
    second.close();
    (void)io.poll();
  }
  /// Whether what the session sends arrives, and whence.
  bool sends(SocketSet& set) {
    udp::socket peer{io, {boost::asio::ip::address_v4::loopback(), 0}};
    DatagramBatch batch;
    const Path path{{loopback, tuning.udp_mux_port}, {loopback, peer.local_endpoint().port()}};
    (void)batch.begin(path, Ecn::NotEct, 3);
    batch.commit(3);
    set.send(io::SteadyClock::now(), batch.runs());
    peer.non_blocking(true);
    std::array<std::byte, 8> room{};
    udp::endpoint from;
    boost::system::error_code error;
    const auto size = peer.receive_from(boost::asio::buffer(room), from, 0, error);
    return !error && size == 3 && from.port() == tuning.udp_mux_port;
  }

  struct Discarded {
    Path path;
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
  };
  boost::asio::io_context io;
  std::vector<Discarded> discarded;
  const Tuning tuning = on_a_free_port();
  std::shared_ptr<int> alive = std::make_shared<int>();
  std::shared_ptr<UdpMux> mux;
  SocketSet first{io.get_executor(), tuning};
  SocketSet second{io.get_executor(), tuning};
};

TEST_F(SharedSocketSets, GoOnWithTheSamePortWhenAnAddressWentAndCame) {
  ASSERT_EQ(first.refresh().added.size(), 1U);
  ASSERT_EQ(second.refresh().added.size(), 1U);
  ASSERT_TRUE(sends(first) && sends(second));
  // What the first session does that hears of it; when the next ones do, the address is there again.
  mux->close(loopback);
  for (SocketSet* set : {&first, &second}) {
    EXPECT_FALSE(sends(*set));
    const auto changes = set->refresh();
    EXPECT_TRUE(changes.gone.empty() && changes.added.empty()) << "the session need not know";
    EXPECT_TRUE(sends(*set));
  }
}

TEST_F(SharedSocketSets, TellWhatTheyCouldNotSend) {
  ASSERT_EQ(first.refresh().added.size(), 1U);
  ASSERT_TRUE(sends(first));
  EXPECT_TRUE(discarded.empty());
  const Endpoint local{loopback, tuning.udp_mux_port};
  const auto send_to = [&](const Path& path) {
    DatagramBatch batch;
    for (int i = 0; i < 3; ++i) {
      (void)batch.begin(path, Ecn::NotEct, 100);
      batch.commit(100);
    }
    first.send(io::SteadyClock::now(), batch.runs());
  };
  send_to({local, {loopback, 0}});  // The system refuses it,
  first.close(local);
  send_to({local, {loopback, 9}});  // and there is no socket any more.
  ASSERT_EQ(discarded.size(), 2U);
  for (const Discarded& d : discarded) {
    EXPECT_EQ(d.packets, 3U);
    EXPECT_EQ(d.bytes, 300U);
  }
  EXPECT_EQ(discarded.front().path.remote.port, 0);
  EXPECT_EQ(discarded.back().path.remote.port, 9);
}

TEST_F(SharedSocketSets, GiveUpAnAddressWhosePortIsTakenWhenItIsBack) {
  ASSERT_EQ(second.refresh().added.size(), 1U);
  mux->close(loopback);
  const udp::socket thief{io, {boost::asio::ip::address_v4::loopback(), tuning.udp_mux_port}};
  const auto changes = second.refresh();
  ASSERT_EQ(changes.gone.size(), 1U);
  EXPECT_EQ(changes.gone.front(), (Endpoint{loopback, tuning.udp_mux_port}));
  EXPECT_TRUE(changes.added.empty());
}

}  // namespace
}  // namespace linnet::runtime
