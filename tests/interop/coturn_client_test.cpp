// coturn's own client against our server.
#include <gmock/gmock.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "linnet/stun_turn_server.hpp"

namespace linnet {
namespace {

using testing::HasSubstr;

/// A server on loopback, on a thread of its own while turnutils_uclient talks to it.
class CoturnClient : public testing::Test {
 protected:
  CoturnClient() { EXPECT_TRUE(server_.start()); }

  /// What the client says. `-y`: pairs of relays of this server talk to each other.
  std::string run(const std::string& arguments) {
    return say("turnutils_uclient -y -c -n 20 -m 2 -l 170 " + arguments);
  }
  /// What another of coturn's programs says of the server.
  std::string say(const std::string& program) {
    std::thread thread{[this] { io_.run(); }};
    const std::string command = "timeout 60 " + program + " -p " + std::to_string(server_.port()) + " 127.0.0.1 2>&1";
    std::string out;
    {
      const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe{::popen(command.c_str(), "r"), &::pclose};
      std::array<char, 4'096> buffer{};
      while (pipe && std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) out += buffer.data();
    }
    io_.stop();
    thread.join();
    return out;
  }
  [[nodiscard]] StunTurnServer::Stats stats() const { return server_.stats(); }

  [[nodiscard]] std::uint16_t alternate_port() const { return server_.alternate_port(); }

  static constexpr const char* all_arrived = "Total lost packets 0 (0.000000%)";

 private:
  boost::asio::io_context io_{1};
  StunTurnServer server_{io_.get_executor(),
                         {.port = 0,
                          .alternate_port = 0,
                          .alternate_address = "127.0.0.2",
                          .users = {{"ann", "apple"}},
                          .secret = "north"}};
};

TEST_F(CoturnClient, RelaysWithAPasswordOverChannels) {
  EXPECT_THAT(run("-u ann -w apple"), HasSubstr(all_arrived));
  EXPECT_GE(stats().allocated, 2U);
  EXPECT_GE(stats().relayed, 40U);
}

TEST_F(CoturnClient, RelaysWithAPasswordOverSendIndications) {
  EXPECT_THAT(run("-s -u ann -w apple"), HasSubstr(all_arrived));
  EXPECT_GE(stats().relayed, 40U);
}

TEST_F(CoturnClient, RelaysWithTheSharedSecret) {
  EXPECT_THAT(run("-W north -u bob"), HasSubstr(all_arrived));
  EXPECT_GE(stats().relayed, 40U);
}

TEST_F(CoturnClient, RelaysOverTcp) {
  EXPECT_THAT(run("-t -u ann -w apple"), HasSubstr(all_arrived));
  EXPECT_GE(stats().relayed, 40U);
}

TEST_F(CoturnClient, FindsOutThatThereIsNoNat) {
  const std::string out = say("turnutils_natdiscovery -m -f -L 127.0.0.1");
  EXPECT_THAT(out, HasSubstr("No NAT! (Endpoint Independent Mapping)"));
  EXPECT_THAT(out, HasSubstr("NAT with Endpoint Independent Filtering!"));
  EXPECT_THAT(out, HasSubstr("Other addr: : 127.0.0.2:" + std::to_string(alternate_port())));
  EXPECT_THAT(out, HasSubstr("Response origin: : 127.0.0.2:" + std::to_string(alternate_port())));
}

TEST_F(CoturnClient, GetsNoRelayWithAWrongSecret) {
  EXPECT_THAT(run("-W south -u bob"), testing::Not(HasSubstr(all_arrived)));
  EXPECT_EQ(stats().allocated, 0U);
  EXPECT_GE(stats().refused, 1U);
}

}  // namespace
}  // namespace linnet
