#include "turn_server/nonce.hpp"

#include <gtest/gtest.h>

namespace linnet::turn_server {
namespace {

using std::chrono::minutes;

const Path client{.local = {.address = IpAddress::v4({192, 0, 2, 1}), .port = 3'478},
                  .remote = {.address = IpAddress::v4({203, 0, 113, 1}), .port = 4'000}};

class NoncesTest : public testing::Test {
 protected:
  SeededGenerator random_{1};
  Nonces nonces_{minutes{10}, random_};
  TimePoint now_{std::chrono::hours{5}};
};

TEST_F(NoncesTest, AreFreshForTheirLifetimeAndThenStale) {
  const auto nonce = nonces_.make(now_, client);
  EXPECT_TRUE(nonces_.fresh(now_, client, nonce));
  EXPECT_TRUE(nonces_.fresh(now_ + minutes{10} - Duration{1}, client, nonce));
  EXPECT_FALSE(nonces_.fresh(now_ + minutes{10}, client, nonce));
}

TEST_F(NoncesTest, AreWorthNothingFromAnotherAddressPortOrProtocol) {
  const auto nonce = nonces_.make(now_, client);
  Path other = client;
  other.remote.port = 4'001;
  EXPECT_FALSE(nonces_.fresh(now_, other, nonce));
  other.remote = {IpAddress::v4({203, 0, 113, 2}), client.remote.port};
  EXPECT_FALSE(nonces_.fresh(now_, other, nonce));
  other = client;
  other.protocol = Protocol::Tcp;
  EXPECT_FALSE(nonces_.fresh(now_, other, nonce));
}

TEST_F(NoncesTest, CannotBeMadeUpOrChanged) {
  const auto nonce = nonces_.make(now_, client);
  for (std::size_t i = 0; i < nonce.size(); ++i) {
    auto changed = nonce;
    changed[i] = changed[i] == '0' ? '1' : '0';
    EXPECT_FALSE(nonces_.fresh(now_, client, changed)) << i;
  }
  for (const std::string& other : {std::string{}, nonce + "0", nonce.substr(1), std::string(nonce.size(), 'f'),
                                   std::string(nonce.size(), '\0'), "+" + nonce.substr(1)})
    EXPECT_FALSE(nonces_.fresh(now_, client, other)) << other;
}

TEST_F(NoncesTest, OfAnotherServerAreStrange) {
  SeededGenerator other_random{2};
  const Nonces other{minutes{10}, other_random};
  EXPECT_FALSE(nonces_.fresh(now_, client, other.make(now_, client)));
}

}  // namespace
}  // namespace linnet::turn_server
