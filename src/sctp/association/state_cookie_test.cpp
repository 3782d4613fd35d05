#include "sctp/association/state_cookie.hpp"

#include <gtest/gtest.h>

namespace linnet::sctp {
namespace {

TEST(StateCookie, ComesBackAsItWasAndOnlyUnchangedWithTheSameKey) {
  StateCookie::Key key{};
  key[3] = std::byte{9};
  const StateCookie cookie{.handshake = {.local_tag = 1,
                                         .peer_tag = 2,
                                         .local_initial = Tsn{3},
                                         .peer_initial = Tsn{4},
                                         .peer_window = 5,
                                         .outgoing_streams = 6,
                                         .incoming_streams = 7,
                                         .forward_tsn = true,
                                         .interleaving = true,
                                         .large_packets = true,
                                         .ecn = true,
                                         .zero_checksum = true},
                           .local_tie_tag = 8,
                           .peer_tie_tag = 9,
                           .made = TimePoint(Duration(10))};
  auto bytes = cookie.seal(key);
  const auto open = StateCookie::open(bytes, key);
  ASSERT_TRUE(open);
  EXPECT_EQ(open->handshake.peer_tag, 2U);
  EXPECT_EQ(open->handshake.peer_initial, Tsn{4});
  EXPECT_EQ(open->handshake.incoming_streams, 7);
  EXPECT_TRUE(open->handshake.forward_tsn);
  EXPECT_FALSE(open->handshake.reconfig);
  EXPECT_TRUE(open->handshake.interleaving);
  EXPECT_TRUE(open->handshake.large_packets);
  EXPECT_TRUE(open->handshake.ecn);
  EXPECT_TRUE(open->handshake.zero_checksum);
  EXPECT_EQ(open->peer_tie_tag, 9U);
  EXPECT_EQ(open->made, cookie.made);
  EXPECT_FALSE(StateCookie::open(bytes, {}));
  EXPECT_FALSE(StateCookie::open(std::span<const std::byte>(bytes).first(bytes.size() - 1), key));
  for (std::byte& b : bytes) {
    b ^= std::byte{1};
    EXPECT_FALSE(StateCookie::open(bytes, key));
    b ^= std::byte{1};
  }
}

}  // namespace
}  // namespace linnet::sctp
