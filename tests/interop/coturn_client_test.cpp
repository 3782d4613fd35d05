// coturn's own client against our server.
#include <gmock/gmock.h>

#include <array>
#include <boost/asio/io_context.hpp>
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
  std::string run(const std::string& arguments, const std::string& server = "127.0.0.1") {
    std::thread thread{[this] { io_.run(); }};
    const std::string command = "timeout 60 turnutils_uclient -y -c -n 20 -m 2 -l 170 -p " +
                                std::to_string(server_.port()) + " " + arguments + " " + server + " 2>&1";
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

  static constexpr const char* all_arrived = "Total lost packets 0 (0.000000%)";

 private:
  boost::asio::io_context io_{1};
  StunTurnServer server_{io_.get_executor(), {.port = 0, .users = {{"ann", "apple"}}, .secret = "north"}};
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

TEST_F(CoturnClient, GetsNoRelayWithAWrongSecret) {
  EXPECT_THAT(run("-W south -u bob"), testing::Not(HasSubstr(all_arrived)));
  EXPECT_EQ(stats().allocated, 0U);
  EXPECT_GE(stats().refused, 1U);
}

}  // namespace
}  // namespace linnet
