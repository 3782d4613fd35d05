#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <string>
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
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::with_loopback_alone;

const IpAddress address = IpAddress::v4({192, 0, 2, 7});

struct Asker {
  explicit Asker(asio::io_context& io)
      : context(io),
        mdns(std::make_shared<MdnsClient>(
            io.get_executor(), generator,
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
    const std::string name = publisher->publish(address, [](const std::string&) { FAIL(); });
    const IpAddress v6 = IpAddress::parse("2001:db8::7").value();
    const std::string second = publisher->publish(v6, [](const std::string&) { FAIL(); });
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
      const std::string name = publisher->publish(address, [](const std::string&) {});
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
    const std::string own = publisher->publish(IpAddress::v4({192, 0, 2, 8}), [](const std::string&) {});
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
    auto stranger = io::MulticastSocket::join(mdns::group_v4());
    if (!stranger) testing::not_possible();
    const auto publisher = MdnsPublisher::at(io.get_executor());
    std::vector<std::string> lost;
    std::string second;
    const std::string name = publisher->publish(address, [&](const std::string& gone) {
      lost.push_back(gone);
      second = publisher->publish(address, [](const std::string&) { FAIL(); });
    });
    std::array<std::byte, 512> packet{};
    const std::size_t size = mdns::write_response(
        packet, {.name = name, .address = IpAddress::v4({192, 0, 2, 99}), .ttl = 120}, mdns::Wanted::Any);
    stranger->send(std::span{packet}.first(size));
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (lost.empty() && std::chrono::steady_clock::now() < deadline) io.run_one_for(1s);
    EXPECT_THAT(lost, ElementsAre(name));
    Asker asker{io};
    EXPECT_THAT(asker.ask(second), ElementsAre(address));
    publisher->withdraw(second);
  });
}

}  // namespace
}  // namespace linnet::runtime
