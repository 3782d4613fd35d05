#include "sctp/tx/path_mtu.hpp"

#include <gtest/gtest.h>

namespace linnet::sctp {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t overhead = 37;
constexpr std::size_t of(std::size_t udp_payload) { return (udp_payload - overhead) & ~std::size_t{3}; }

/// A path that carries packets of up to `limit`.
class PathMtuTest : public ::testing::Test {
 protected:
  explicit PathMtuTest() : mtu{{.base = of(1'200), .max = 16'384, .carrier_overhead = overhead}} {}

  /// Answers probes and lets time pass until the search has nothing more to do soon.
  void search(std::size_t limit) {
    for (int guard = 0; guard < 1'000; ++guard) {
      if (const std::size_t size = mtu.probe_due()) {
        probes.push_back(size);
        mtu.probe_sent(now, ++nonce, 300ms);
        if (size <= limit) {
          now += 10ms;
          EXPECT_TRUE(mtu.acknowledged(now, nonce));
        }
        continue;
      }
      if (mtu.next_timeout() > now + 10s) return;
      now = mtu.next_timeout();
      mtu.handle_timeout(now);
    }
    FAIL() << "the search never ends";
  }

  TimePoint now{1s};
  PathMtu mtu;
  std::uint64_t nonce = 0;
  std::vector<std::size_t> probes;
};

TEST_F(PathMtuTest, StaysAtTheBaseSizeAndDoesNotProbeUntilMoreWouldHelp) {
  EXPECT_EQ(mtu.current(), of(1'200));
  EXPECT_EQ(mtu.probe_due(), 0u);
  EXPECT_EQ(mtu.next_timeout(), never);
}

TEST_F(PathMtuTest, ReachesTheLargestSizeOfLoopbackInOneRoundTripForEachStep) {
  mtu.want();
  search(65'507);
  EXPECT_EQ(mtu.current(), 16'384u);
  EXPECT_EQ(probes, (std::vector{of(1'452), of(1'472), of(1'980), of(4'052), of(8'952), std::size_t{16'384}}));
  EXPECT_EQ(now, TimePoint{1s} + 6 * 10ms);
  EXPECT_EQ(mtu.next_timeout(), never) << "nothing is left to look for";
}

TEST_F(PathMtuTest, FindsEthernetWithIpv4AndWithIpv6) {
  mtu.want();
  search(of(1'472));
  EXPECT_EQ(mtu.current(), of(1'472));
  EXPECT_EQ(probes.size(), 2 + PathMtu::max_probes) << "a size fails only after three probes";
}

TEST_F(PathMtuTest, FindsATunnelBelowEthernet) {
  mtu.want();
  search(of(1'400));
  EXPECT_EQ(mtu.current(), of(1'392));
  EXPECT_EQ(probes.front(), of(1'452));
}

TEST_F(PathMtuTest, KeepsTheBaseWhereNothingLargerPasses) {
  mtu.want();
  search(of(1'200));
  EXPECT_EQ(mtu.current(), of(1'200));
}

TEST_F(PathMtuTest, OneLostProbeIsRepeated) {
  mtu.want();
  mtu.probe_sent(now, 1, 300ms);
  EXPECT_EQ(mtu.probe_due(), 0u) << "one at a time";
  EXPECT_EQ(mtu.next_timeout(), now + 1s) << "RFC 8899 section 5.1.1: not below a second";
  mtu.handle_timeout(now + 1s);
  EXPECT_EQ(mtu.probe_due(), of(1'452));
  search(of(1'452));
  EXPECT_EQ(mtu.current(), of(1'452));
}

TEST_F(PathMtuTest, AnAnswerToAnotherProbeIsNone) {
  mtu.want();
  mtu.probe_sent(now, 7, 300ms);
  EXPECT_FALSE(mtu.acknowledged(now, 8));
  EXPECT_EQ(mtu.current(), of(1'200));
  EXPECT_TRUE(mtu.acknowledged(now, 7));
  EXPECT_FALSE(mtu.acknowledged(now, 7)) << "twice";
  EXPECT_EQ(mtu.current(), of(1'452));
}

TEST_F(PathMtuTest, LooksAgainAfterTenMinutesWhetherThePathCarriesMore) {
  mtu.want();
  search(of(1'472));
  ASSERT_GT(mtu.next_timeout(), now + 9min);
  now = mtu.next_timeout();
  mtu.handle_timeout(now);
  search(65'507);
  EXPECT_EQ(mtu.current(), 16'384u);
}

TEST_F(PathMtuTest, ABlackHoleGoesBackToTheBaseAndTriesOnlySmallerSizesForAWhile) {
  mtu.want();
  search(65'507);
  probes.clear();
  mtu.black_hole(now);
  EXPECT_EQ(mtu.current(), of(1'200));
  search(of(1'320));
  EXPECT_EQ(mtu.current(), of(1'320));
  for (const std::size_t probe : probes) EXPECT_LT(probe, 16'384u);
}

TEST_F(PathMtuTest, AnotherPathBeginsAnew) {
  mtu.want();
  search(65'507);
  mtu.path_changed();
  EXPECT_EQ(mtu.current(), of(1'200));
  EXPECT_EQ(mtu.probe_due(), 0u);
  mtu.want();
  search(of(1'472));
  EXPECT_EQ(mtu.current(), of(1'472));
}

TEST_F(PathMtuTest, StaysBelowWhatThePeerReads) {
  mtu.limit(2'048);
  mtu.want();
  search(65'507);
  EXPECT_EQ(mtu.current(), of(1'980));
  PathMtu none{{.base = of(1'200), .max = 16'384, .carrier_overhead = overhead}};
  none.limit(of(1'200));
  none.want();
  EXPECT_EQ(none.probe_due(), 0u);
}

TEST_F(PathMtuTest, NeverTriesMoreThanItMay) {
  PathMtu limited{{.base = of(1'200), .max = of(1'400), .carrier_overhead = overhead}};
  limited.want();
  EXPECT_EQ(limited.probe_due(), of(1'392)) << "the largest that is allowed";
  PathMtu off{{.base = of(1'200), .max = 0, .carrier_overhead = overhead}};
  off.want();
  EXPECT_EQ(off.probe_due(), 0u);
  off.black_hole(now);
  EXPECT_EQ(off.current(), of(1'200));
}

}  // namespace
}  // namespace linnet::sctp
