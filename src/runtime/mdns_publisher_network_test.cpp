#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <net/if.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/multicast.hpp>
#include <boost/asio/ip/udp.hpp>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "io/multicast_socket.hpp"
#include "mdns/message.hpp"
#include "mdns/resolver.hpp"
#include "runtime/mdns_client.hpp"
#include "runtime/mdns_publisher.hpp"
#include "runtime/testing/lonely_network.hpp"

// Names of ours over real multicast.
namespace linnet::runtime {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::udp;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::with_loopback_alone;

const IpAddress address = IpAddress::v4({192, 0, 2, 7});
std::uint32_t lo() { return ::if_nametoindex("lo"); }
std::uint32_t nowhere() { return lo() + 1'000; }

/// What somebody else on the link hears and says.
struct Stranger {
  Stranger() : socket(io::MulticastSocket::open(mdns::group_v4())) {
    if (!socket || !socket->join(lo())) testing::not_possible();
  }
  void claim(const std::string& name) {
    std::array<std::byte, 512> packet{};
    const std::size_t size = mdns::write_response(
        packet, {.name = name, .address = IpAddress::v4({192, 0, 2, 99}), .ttl = 120}, mdns::Wanted::Any);
    EXPECT_TRUE(socket->send(std::span{packet}.first(size), lo()));
  }
  [[nodiscard]] std::size_t heard() {
    std::array<std::byte, 9'000> buffer{};
    std::size_t packets = 0;
    while (socket->receive(buffer)) ++packets;
    return packets;
  }
  std::expected<io::MulticastSocket, std::error_code> socket;
};

void run_for(asio::io_context& io, std::chrono::milliseconds time) {
  if (io.stopped()) io.restart();
  io.run_for(time);
}

struct Asker {
  explicit Asker(asio::io_context& io)
      : context(io),
        mdns(std::make_shared<MdnsClient>(
            io.get_executor(), generator, io::HostAddressPolicy{},
            [this](ResolveId, std::vector<IpAddress> found) { answers.push_back(std::move(found)); })) {}
  ~Asker() { mdns->close(); }
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;
  std::vector<IpAddress> ask(const std::string& name) {
    answers.clear();
    mdns->query(ResolveId{1}, name);
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (answers.empty() && std::chrono::steady_clock::now() < deadline) {
      if (context.stopped()) context.restart();
      context.run_one_for(1s);
    }
    return answers.empty() ? std::vector<IpAddress>{} : answers.front();
  }
  asio::io_context& context;
  SeededGenerator generator{1};
  std::vector<std::vector<IpAddress>> answers;
  std::shared_ptr<MdnsClient> mdns;
};

TEST(MdnsPublisher, IsFoundByResolversUntilItTakesTheNameBack) {
  with_loopback_alone([] {
    asio::io_context io;
    Asker asker{io};
    const auto publisher = MdnsPublisher::at(io.get_executor());
    EXPECT_EQ(MdnsPublisher::at(io.get_executor()), publisher);
    const std::string name = publisher->publish(address, lo(), [](const std::string&) { FAIL(); }).value();
    const IpAddress v6 = IpAddress::parse("2001:db8::7").value();
    const std::string second = publisher->publish(v6, lo(), [](const std::string&) { FAIL(); }).value();
    EXPECT_NE(name, second);
    EXPECT_THAT(asker.ask(name), ElementsAre(address));
    EXPECT_THAT(asker.ask(second), ElementsAre(v6));
    EXPECT_THAT(asker.ask(name), ElementsAre(address));
    publisher->withdraw(name);
    EXPECT_THAT(asker.ask(name), IsEmpty());
    EXPECT_THAT(asker.ask(second), ElementsAre(v6));
    publisher->withdraw(second);
    io.restart();
    io.run_for(5s);
    EXPECT_TRUE(io.stopped()) << "a socket or timer is still waited for";
  });
}

TEST(MdnsPublisher, SharesThePortWithOtherProcesses) {
  with_loopback_alone([] {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t other = ::fork();
    ASSERT_GE(other, 0);
    if (other == 0) {
      ::close(pipe[0]);
      asio::io_context io;
      const auto publisher = MdnsPublisher::at(io.get_executor());
      const std::string name = publisher->publish(address, lo(), [](const std::string&) {}).value();
      (void)!::write(pipe[1], name.data(), name.size());
      ::close(pipe[1]);
      io.run_for(60s);  // The other one ends this process.
      testing::leave(0);
    }
    ::close(pipe[1]);
    std::string name(64, '\0');
    name.resize(static_cast<std::size_t>(::read(pipe[0], name.data(), name.size())));
    ::close(pipe[0]);
    asio::io_context io;
    Asker asker{io};
    const auto publisher = MdnsPublisher::at(io.get_executor());
    const std::string own = publisher->publish(IpAddress::v4({192, 0, 2, 8}), lo(), [](const std::string&) {}).value();
    EXPECT_THAT(asker.ask(name), ElementsAre(address));
    EXPECT_THAT(asker.ask(own), ElementsAre(IpAddress::v4({192, 0, 2, 8})));
    ::kill(other, SIGTERM);
    ::waitpid(other, nullptr, 0);
    publisher->withdraw(own);
  });
}

TEST(MdnsPublisher, TellsOfANameThatSomebodyElseHas) {
  with_loopback_alone([] {
    asio::io_context io;
    Stranger stranger;
    const auto publisher = MdnsPublisher::at(io.get_executor());
    std::vector<std::string> lost;
    std::string second;
    const std::string name = publisher
                                 ->publish(address, lo(),
                                           [&](const std::string& gone) {
                                             lost.push_back(gone);
                                             second =
                                                 publisher->publish(address, lo(), [](const auto&) { FAIL(); }).value();
                                           })
                                 .value();
    stranger.claim(name);
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (lost.empty() && std::chrono::steady_clock::now() < deadline) io.run_one_for(1s);
    EXPECT_THAT(lost, ElementsAre(name));
    Asker asker{io};
    EXPECT_THAT(asker.ask(second), ElementsAre(address));
    publisher->withdraw(second);
  });
}

// RFC 6762 section 6.2: an address is not told where it is not valid.
TEST(MdnsPublisher, SaysNothingOnOtherLinksThanTheAddresss) {
  with_loopback_alone([] {
    asio::io_context io;
    Stranger stranger;
    const auto publisher = MdnsPublisher::at(io.get_executor());
    const auto elsewhere = publisher->publish(address, nowhere(), [](const auto&) { FAIL(); });
    ASSERT_TRUE(elsewhere);
    run_for(io, 20ms);
    EXPECT_EQ(stranger.heard(), 0U) << "a probe";
    const auto here = publisher->publish(address, lo(), [](const auto&) { FAIL(); });
    stranger.claim(*elsewhere);
    Asker asker{io};
    EXPECT_THAT(asker.ask(*here), ElementsAre(address));
    EXPECT_EQ(publisher->names(), 2U) << "who claims it on another link means another one";
    publisher->withdraw(*elsewhere);
    publisher->withdraw(*here);
  });
}

// RFC 6762 section 6: what comes from another port is no response.
TEST(MdnsPublisher, KeepsANameThatIsClaimedFromAnotherPort) {
  with_loopback_alone([] {
    asio::io_context io;
    const auto publisher = MdnsPublisher::at(io.get_executor());
    const auto name = publisher->publish(address, lo(), [](const auto&) { FAIL(); });
    std::array<std::byte, 512> packet{};
    const std::size_t size = mdns::write_response(
        packet, {.name = *name, .address = IpAddress::v4({192, 0, 2, 99}), .ttl = 120}, mdns::Wanted::Any);
    udp::socket forger{io, udp::endpoint{asio::ip::address_v4::loopback(), 0}};
    forger.set_option(asio::ip::multicast::outbound_interface{asio::ip::address_v4::loopback()});
    for (const auto& to : {asio::ip::address_v4::loopback(), asio::ip::address_v4{{224, 0, 0, 251}}})
      forger.send_to(asio::buffer(packet, size), {to, 5353});
    run_for(io, 50ms);
    Asker asker{io};
    EXPECT_THAT(asker.ask(*name), ElementsAre(address));
    publisher->withdraw(*name);
  });
}

// RFC 6762 section 6.7.
TEST(MdnsPublisher, AnswersAPlainResolverDirectly) {
  with_loopback_alone([] {
    asio::io_context io;
    const auto publisher = MdnsPublisher::at(io.get_executor());
    const auto name = publisher->publish(address, lo(), [](const auto&) { FAIL(); });
    udp::socket resolver{io, udp::endpoint{asio::ip::address_v4::loopback(), 0}};
    resolver.set_option(asio::ip::multicast::outbound_interface{asio::ip::address_v4::loopback()});
    std::array<std::byte, 512> packet{};
    const std::size_t size = mdns::write_query(packet, *name, false);
    packet[1] = std::byte{77};
    packet[5] = std::byte{1};  // The A question only.
    resolver.send_to(asio::buffer(packet, size - 6), {asio::ip::address_v4{{224, 0, 0, 251}}, 5353});
    std::array<std::byte, 512> buffer{};
    std::size_t got = 0;
    resolver.async_receive(asio::buffer(buffer), [&](boost::system::error_code, std::size_t count) { got = count; });
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (got == 0 && std::chrono::steady_clock::now() < deadline) io.run_one_for(1s);
    const auto records = mdns::parse_response(std::span{buffer}.first(got), 8);
    ASSERT_TRUE(records);
    ASSERT_THAT(*records, SizeIs(1));
    EXPECT_EQ(records->front().name, *name);
    EXPECT_EQ(records->front().address, address);
    EXPECT_EQ(buffer[1], std::byte{77});
    publisher->withdraw(*name);
  });
}

TEST(MdnsPublisher, GivesANewNameOnlyNowAndThenToWhoClaimsThemAll) {
  with_loopback_alone([] {
    asio::io_context io;
    Stranger stranger;
    const auto publisher = MdnsPublisher::at(io.get_executor());
    std::size_t lost = 0;
    std::string name;
    const std::function<void(const std::string&)> again = [&](const std::string&) {
      ++lost;
      name = publisher->publish(address, lo(), again).value();
    };
    name = publisher->publish(address, lo(), again).value();
    for (std::size_t i = 0; i < MdnsPublisher::max_conflicts + 5; ++i) {
      const std::size_t before = lost;
      stranger.claim(name);
      for (int tries = 0; tries < 20 && lost == before; ++tries) io.run_one_for(5ms);
    }
    EXPECT_EQ(lost, MdnsPublisher::max_conflicts);
    EXPECT_EQ(publisher->names(), 1U) << "it waits for its turn";
    publisher->withdraw(name);
    run_for(io, 5s);
    EXPECT_TRUE(io.stopped()) << "a socket or timer is still waited for";
  });
}

TEST(MdnsPublisher, GivesNoNameThatItWouldNotAnswerFor) {
  asio::io_context io;
  const auto publisher = MdnsPublisher::at(io.get_executor());
  for (std::size_t i = 0; i < MdnsPublisher::max_names; ++i)
    ASSERT_TRUE(publisher->publish(address, nowhere(), [](const auto&) {}));
  EXPECT_FALSE(publisher->publish(address, nowhere(), [](const auto&) {}));
  EXPECT_TRUE(publisher->publish(address, nowhere() + 1, [](const auto&) {})) << "another link";
}

TEST(MulticastSocket, SendsOnTheInterfaceThatItIsToldOrNotAtAll) {
  with_loopback_alone([] {
    Stranger stranger;
    auto socket = io::MulticastSocket::open(mdns::group_v4());
    ASSERT_TRUE(socket);
    EXPECT_TRUE(socket->join(lo()));
    EXPECT_FALSE(socket->join(nowhere()));
    EXPECT_THAT(socket->interfaces(), ElementsAre(lo()));
    const std::array<std::byte, 12> packet{};
    EXPECT_TRUE(socket->send(packet, lo()));
    std::array<std::byte, 100> buffer{};
    const auto received = stranger.socket->receive(buffer);
    ASSERT_TRUE(received);
    EXPECT_EQ(received->interface, lo());
    EXPECT_EQ(received->to, mdns::group_v4().address);
    EXPECT_EQ(received->from.port, mdns::port);
    // After one that went out: on the next it must not go out again where that one did.
    EXPECT_FALSE(socket->send(packet, nowhere()));
    EXPECT_FALSE(socket->send(packet, 0));
    EXPECT_EQ(stranger.heard(), 0U);
  });
}

}  // namespace
}  // namespace linnet::runtime
