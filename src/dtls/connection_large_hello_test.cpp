#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "dtls/testing/driver.hpp"

// Connection as a server of clients whose ClientHello needs several datagrams, as one with the key shares of
// post-quantum groups does (RFC 6347 section 4.2.3).

namespace linnet::dtls::testing {
namespace {

struct Size {
  std::size_t padding;
  long mtu;
  std::size_t fragments;  ///< That it takes at least.
};

std::size_t load_24(const std::byte* at) {
  return std::to_integer<std::size_t>(at[0]) << 16 | load_be<std::uint16_t>(at + 1);
}

class LargeHello : public ::testing::TestWithParam<Size> {
 protected:
  /// The place of a datagram with a fragment of the ClientHello.
  struct Fragment {
    std::size_t offset;
    bool last;
  };
  static std::optional<Fragment> fragment(const Bytes& datagram) {
    constexpr std::size_t record = 13;
    constexpr std::byte handshake{22};
    constexpr std::byte client_hello{1};
    if (datagram.size() < record + 12 || datagram[0] != handshake || datagram[record] != client_hello) return {};
    const std::size_t offset = load_24(&datagram[record + 6]);
    return Fragment{offset, offset + load_24(&datagram[record + 9]) == load_24(&datagram[record + 1])};
  }

  static OpenSslPeer::Options options() { return {.mtu = GetParam().mtu, .hello_padding = GetParam().padding}; }

  static void expect_data_in_both_directions(AgainstOpenSsl& test) {
    const Bytes there = bytes("there");
    test.peer.handle(test.end.seal(there));
    ASSERT_FALSE(test.peer.received().empty());
    EXPECT_EQ(test.peer.received().back(), there);
    const Bytes back = bytes("back");
    test.peer.send(back);
    ASSERT_TRUE(test.exchange());
    ASSERT_FALSE(test.end.received.empty());
    EXPECT_EQ(test.end.received.back(), back);
    EXPECT_EQ(test.end.connected, 1);
    EXPECT_EQ(test.end.connection.statistics().records_invalid, 0U);
  }
  static void expect_success(AgainstOpenSsl& test) {
    ASSERT_TRUE(test.connect());
    expect_data_in_both_directions(test);
  }

  /// Keeps the datagrams of the ClientHello back until the last is there, then delivers them as `arrange` puts them.
  static std::size_t deliver_arranged(AgainstOpenSsl& test, const std::function<void(std::vector<Bytes>&)>& arrange) {
    std::vector<Bytes> held;
    test.to_end = [&](Bytes& packet) {
      const auto place = fragment(packet);
      if (!place) return true;
      held.push_back(packet);
      if (!place->last) return false;
      arrange(held);
      for (const Bytes& one : held) {
        EXPECT_FALSE(test.end.poll(test.now)) << "answered a part of a ClientHello";
        test.end.handle(test.now, one);
      }
      return false;
    };
    expect_success(test);
    EXPECT_EQ(test.now, TimePoint{}) << "somebody had to repeat";
    test.to_end = nullptr;
    return held.size();
  }
};

INSTANTIATE_TEST_SUITE_P(Sizes, LargeHello,
                         ::testing::Values(Size{1'300, 1'200, 2}, Size{6'000, 1'200, 6}, Size{6'000, 256, 25}),
                         [](const auto& one) {
                           return std::to_string(one.param.padding) + "BytesInDatagramsOf" +
                                  std::to_string(one.param.mtu);
                         });

TEST_P(LargeHello, ConnectsWhenItsFragmentsComeInOrder) {
  AgainstOpenSsl test{Role::Server, options()};
  EXPECT_GE(deliver_arranged(test, [](auto&) {}), GetParam().fragments);
}

TEST_P(LargeHello, ConnectsWhenItsFragmentsComeInReverse) {
  AgainstOpenSsl test{Role::Server, options()};
  deliver_arranged(test, [](auto& held) { std::ranges::reverse(held); });
}

TEST_P(LargeHello, ConnectsWhateverFragmentComesFirst) {
  for (std::size_t first = 1; first < GetParam().fragments; ++first) {
    AgainstOpenSsl test{Role::Server, options()};
    deliver_arranged(test,
                     [&](auto& held) { std::ranges::rotate(held, held.begin() + static_cast<std::ptrdiff_t>(first)); });
  }
}

TEST_P(LargeHello, ConnectsAtTheRepetitionWhenOneFragmentIsLost) {
  for (std::size_t lost = 0; lost < GetParam().fragments; ++lost) {
    AgainstOpenSsl test{Role::Server, options()};
    std::size_t index = 0;
    test.to_end = [&](Bytes& packet) { return !fragment(packet) || index++ != lost; };
    expect_success(test);
    EXPECT_EQ(test.now, TimePoint{} + 1s) << "OpenSSL's timer, once; lost fragment " << lost;
  }
}

TEST_P(LargeHello, PutsTheFragmentsOfARepetitionToThoseOfTheFirstTime) {
  AgainstOpenSsl test{Role::Server, options()};
  // At first all but the last arrive, then nothing but the last.
  bool again = false;
  test.to_end = [&](Bytes& packet) {
    const auto place = fragment(packet);
    if (!place) return true;
    const bool arrives = place->last == again;
    again = again || place->last;
    return arrives;
  };
  expect_success(test);
  EXPECT_EQ(test.now, TimePoint{} + 1s);
}

TEST_P(LargeHello, IsNotDisturbedByDuplicatedFragments) {
  AgainstOpenSsl test{Role::Server, options()};
  test.to_end = [&](Bytes& packet) {
    test.end.handle(test.now, packet);
    return true;
  };
  expect_success(test);
  EXPECT_EQ(test.now, TimePoint{});
}

TEST_P(LargeHello, IsNotDisturbedByTheWholeComingTwice) {
  AgainstOpenSsl test{Role::Server, options()};
  std::vector<Bytes> seen;
  test.to_end = [&](Bytes& packet) {
    const auto place = fragment(packet);
    if (!place) return true;
    seen.push_back(packet);
    if (!place->last) return true;
    test.end.handle(test.now, packet);
    for (const Bytes& one : seen) test.end.handle(test.now, one);
    return false;
  };
  expect_success(test);
  EXPECT_EQ(test.now, TimePoint{});
}

TEST_P(LargeHello, ConnectsWhenItCameBeforeTheStart) {
  AgainstOpenSsl test{Role::Server, options()};
  test.peer.step();
  std::size_t early = 0;
  for (auto packet = test.peer.poll(); packet; packet = test.peer.poll(), ++early) test.end.handle(test.now, *packet);
  EXPECT_GE(early, GetParam().fragments);
  expect_success(test);
  EXPECT_EQ(test.now, TimePoint{});
}

}  // namespace
}  // namespace linnet::dtls::testing
