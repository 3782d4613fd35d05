#include "runtime/mdns_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>

#include "runtime/mdns_publisher.hpp"

namespace linnet::runtime {
namespace {

using ::testing::EndsWith;

// On a link that is not there nothing goes out.
constexpr std::uint32_t nowhere = 100'000;

LocalSocket socket(std::uint8_t host, std::uint16_t port, Protocol protocol = Protocol::Udp) {
  return {.local = {IpAddress::v4({192, 0, 2, host}), port}, .protocol = protocol, .network_id = nowhere};
}

struct Session {
  boost::asio::io_context io;
  std::shared_ptr<MdnsNames> names = std::make_shared<MdnsNames>(io.get_executor(), [](const LocalSocket&) { FAIL(); });
  std::shared_ptr<MdnsPublisher> publisher = MdnsPublisher::at(io.get_executor());

  std::string add(LocalSocket socket) const {
    names->add(socket);
    return socket.name;
  }
};

TEST(MdnsNames, AreOneForEachAddress) {
  const Session session;
  const std::string first = session.add(socket(1, 1'000));
  EXPECT_THAT(first, EndsWith(".local"));
  EXPECT_EQ(session.add(socket(1, 1'001, Protocol::Tcp)), first);
  EXPECT_NE(session.add(socket(2, 1'000)), first);
  EXPECT_EQ(session.publisher->names(), 2U);
}

TEST(MdnsNames, GoWithTheLastSocketOfTheirAddress) {
  const Session session;
  const std::string name = session.add(socket(1, 1'000));
  (void)session.add(socket(1, 1'001, Protocol::Tcp));
  session.names->remove(socket(1, 1'000).local, Protocol::Tcp);
  session.names->remove(socket(1, 1'000).local, Protocol::Udp);
  EXPECT_EQ(session.publisher->names(), 1U) << "the listener has it still";
  session.names->remove(socket(1, 1'001).local, Protocol::Tcp);
  EXPECT_EQ(session.publisher->names(), 0U);
  EXPECT_NE(session.add(socket(1, 1'000)), name) << "one that is gone is not told again";
  EXPECT_EQ(session.publisher->names(), 1U);
}

TEST(MdnsNames, GoWithTheirAddress) {
  const Session session;
  (void)session.add(socket(1, 1'000));
  (void)session.add(socket(1, 1'001, Protocol::Tcp));
  (void)session.add(socket(2, 1'000));
  session.names->remove(socket(1, 0).local.address);
  EXPECT_EQ(session.publisher->names(), 1U);
}

TEST(MdnsNames, AllGoWithTheSession) {
  Session session;
  (void)session.add(socket(1, 1'000));
  (void)session.add(socket(2, 1'000));
  session.names.reset();
  EXPECT_EQ(session.publisher->names(), 0U);
}

TEST(MdnsNames, HideAnAddressAlsoWhereNobodyWouldAnswerForThem) {
  const Session session;
  for (std::size_t i = 0; i < MdnsPublisher::max_names; ++i)
    ASSERT_TRUE(session.publisher->publish(socket(9, 0).local.address, nowhere, [](const auto&) {}));
  const std::string name = session.add(socket(1, 1'000));
  EXPECT_THAT(name, EndsWith(".local"));
  session.names->remove(socket(1, 0).local.address);
  EXPECT_EQ(session.publisher->names(), MdnsPublisher::max_names);
}

}  // namespace
}  // namespace linnet::runtime
