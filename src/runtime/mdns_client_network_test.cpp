#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/multicast.hpp>
#include <boost/asio/ip/udp.hpp>
#include <chrono>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "runtime/mdns_client.hpp"
#include "runtime/mdns_publisher.hpp"
#include "runtime/testing/lonely_network.hpp"

// MdnsClient over real sockets. A client asks on every interface that there is, and no network should hear of these
// tests: they run in a network of their own, with nothing but loopback.

namespace linnet::runtime {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::udp;
using Packet = std::vector<std::byte>;

void append_name(Packet& out, std::string_view name) {
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    out.push_back(static_cast<std::byte>(label.size()));
    std::ranges::copy(as_bytes(label), std::back_inserter(out));
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  out.push_back(std::byte{0});
}

/// A response with one A record (RFC 1035 section 4.1, RFC 6762 section 6).
Packet response(std::string_view name, std::array<std::uint8_t, 4> address) {
  Packet out;
  const auto append = [&](std::initializer_list<int> bytes) {
    for (const int byte : bytes) out.push_back(static_cast<std::byte>(byte));
  };
  append({0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0});
  append_name(out, name);
  append({0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4, address[0], address[1], address[2], address[3]});
  return out;
}

/// A stranger's program that knows one name.
class Responder {
 public:
  enum class Answers { Group, Asker };

  Responder(asio::io_context& context, std::string_view name, std::array<std::uint8_t, 4> address, Answers answers)
      : socket_(context, udp::v4()), address_(address), name_(name), answers_(answers) {
    append_name(question_, name);
    const asio::ip::address_v4 group{{224, 0, 0, 251}};
    boost::system::error_code error;
    const int on = 1;
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    socket_.set_option(udp::socket::reuse_address{true});
    // Not to the wildcard: what is sent to an asker on this machine would as likely arrive here.
    socket_.bind({group, 5353}, error);
    if (!error) {
      const auto loopback = asio::ip::address_v4::loopback();
      socket_.set_option(asio::ip::multicast::join_group{group, loopback}, error);
      socket_.set_option(asio::ip::multicast::outbound_interface{loopback});
    }
    if (error) testing::not_possible();
    read();
  }
  void close() { socket_.close(); }
  [[nodiscard]] int asked() const { return asked_; }
  [[nodiscard]] int others_asked() const { return others_asked_; }

 private:
  void read() {
    socket_.async_receive_from(asio::buffer(buffer_), from_, [this](boost::system::error_code error, std::size_t size) {
      if (error) return;
      handle(std::span{buffer_}.first(size));
      read();
    });
  }
  void handle(std::span<const std::byte> packet) {
    if (packet.size() < 12 || (packet[2] & std::byte{0x80}) != std::byte{0}) return;
    if (std::ranges::search(packet, question_).empty()) {
      ++others_asked_;
      return;
    }
    ++asked_;
    const udp::endpoint to = answers_ == Answers::Asker ? from_ : udp::endpoint{socket_.local_endpoint()};
    // Somebody else's name first, which is not what was asked for.
    socket_.send_to(asio::buffer(response("other-" + name_, {192, 0, 2, 99})), to);
    socket_.send_to(asio::buffer(response(name_, address_)), to);
  }

  udp::socket socket_;
  udp::endpoint from_;
  std::array<std::byte, 9'000> buffer_{};
  std::array<std::uint8_t, 4> address_;
  std::string name_;
  Packet question_;
  Answers answers_;
  int asked_ = 0;
  int others_asked_ = 0;
};

constexpr std::string_view name = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0.local";

/// What a client was told, in order.
struct Client {
  explicit Client(asio::io_context& context, const io::HostAddressPolicy& policy = {})
      : mdns(std::make_shared<MdnsClient>(context.get_executor(), generator, policy,
                                          [this](ResolveId id, std::vector<IpAddress> addresses) {
                                            answers.emplace_back(id, std::move(addresses));
                                          })) {}
  ~Client() { mdns->close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  SeededGenerator generator{1};
  std::vector<std::pair<ResolveId, std::vector<IpAddress>>> answers;
  std::shared_ptr<MdnsClient> mdns;
};

void run_until_answered(asio::io_context& context, const Client& client, std::size_t answers) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (client.answers.size() < answers && std::chrono::steady_clock::now() < deadline) context.run_one_for(1s);
}

class MdnsClientOnLoopback : public ::testing::TestWithParam<Responder::Answers> {};
INSTANTIATE_TEST_SUITE_P(Answers, MdnsClientOnLoopback,
                         ::testing::Values(Responder::Answers::Group, Responder::Answers::Asker), [](const auto& one) {
                           return one.param == Responder::Answers::Group ? "ToTheGroup" : "ToTheAsker";
                         });

TEST_P(MdnsClientOnLoopback, HandsOverTheAddressThatAResponderGives) {
  testing::with_loopback_alone([] {
    asio::io_context context;
    Responder responder{context, name, {192, 0, 2, 7}, GetParam()};
    // With a name of our own, too, there is still one socket that an answer to the asker alone can arrive at.
    const auto publisher = MdnsPublisher::at(context.get_executor());
    const auto own = publisher->publish(IpAddress::v4({192, 0, 2, 8}), ::if_nametoindex("lo"), [](const auto&) {});
    Client client{context};
    client.mdns->query(ResolveId{42}, std::string{name});
    run_until_answered(context, client, 1);
    ASSERT_EQ(client.answers.size(), 1U);
    EXPECT_EQ(client.answers[0].first, ResolveId{42});
    EXPECT_EQ(client.answers[0].second, std::vector{IpAddress::v4({192, 0, 2, 7})});
    EXPECT_GE(responder.asked(), 1);

    // It has left the groups by now, and joins them anew for another question.
    client.mdns->query(ResolveId{43}, std::string{name});
    run_until_answered(context, client, 2);
    ASSERT_EQ(client.answers.size(), 2U);
    EXPECT_EQ(client.answers[1].first, ResolveId{43});
    EXPECT_EQ(client.answers[1].second, std::vector{IpAddress::v4({192, 0, 2, 7})});

    publisher->withdraw(*own);
    responder.close();
    context.run_for(5s);
    EXPECT_TRUE(context.stopped()) << "a socket or timer is still waited for";
    EXPECT_EQ(client.answers.size(), 2U);
  });
}

TEST(MdnsClientWithoutAnswer, HandsOverNothingForANameThatNobodyAnswers) {
  testing::with_loopback_alone([] {
    asio::io_context context;
    Responder responder{context, name, {192, 0, 2, 7}, Responder::Answers::Group};
    Client client{context};
    client.mdns->query(ResolveId{1}, "ffffffff-4b5a-6978-8796-a5b4c3d2e1f0.local");
    client.mdns->query(ResolveId{2}, std::string{name});
    run_until_answered(context, client, 2);
    ASSERT_EQ(client.answers.size(), 2U);
    EXPECT_EQ(client.answers[0].first, ResolveId{2});
    EXPECT_EQ(client.answers[1].first, ResolveId{1});
    EXPECT_TRUE(client.answers[1].second.empty());
    EXPECT_GE(responder.others_asked(), 3) << "asked once, or not at all";

    responder.close();
    context.run_for(5s);
    EXPECT_TRUE(context.stopped()) << "a socket or timer is still waited for";
  });
}

TEST(MdnsClientWithAPolicy, AsksOnNoInterfaceThatIsDenied) {
  testing::with_loopback_alone([] {
    asio::io_context context;
    Responder responder{context, name, {192, 0, 2, 7}, Responder::Answers::Group};
    Client client{context, {.deny_interfaces = {"lo"}}};
    client.mdns->query(ResolveId{1}, std::string{name});
    run_until_answered(context, client, 1);
    ASSERT_EQ(client.answers.size(), 1U);
    EXPECT_TRUE(client.answers[0].second.empty());
    EXPECT_EQ(responder.asked(), 0);
  });
}

TEST(MdnsClientWithAForger, BelievesNoAnswerFromAnotherPort) {
  testing::with_loopback_alone([] {
    asio::io_context context;
    Client client{context};
    client.mdns->query(ResolveId{1}, std::string{name});
    // RFC 6762 section 6.
    udp::socket forger{context, udp::endpoint{asio::ip::address_v4::loopback(), 0}};
    forger.set_option(asio::ip::multicast::outbound_interface{asio::ip::address_v4::loopback()});
    const Packet forged = response(name, {192, 0, 2, 66});
    for (const auto& to : {asio::ip::address_v4::loopback(), asio::ip::address_v4{{224, 0, 0, 251}}})
      forger.send_to(asio::buffer(forged), {to, 5353});
    run_until_answered(context, client, 1);
    ASSERT_EQ(client.answers.size(), 1U);
    EXPECT_TRUE(client.answers[0].second.empty());
  });
}

}  // namespace
}  // namespace linnet::runtime
