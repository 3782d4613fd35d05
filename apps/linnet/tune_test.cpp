#include "tune.hpp"

#include <gtest/gtest.h>

namespace linnet::app {
namespace {

TEST(Tune, SetsSwitchesSizesAndChoices) {
  Tuning tuning;
  EXPECT_EQ(tune(tuning, "sctp_ecn=on"), "");
  EXPECT_EQ(tune(tuning, "sctp_interleaving=off"), "");
  EXPECT_EQ(tune(tuning, "mtu=1400"), "");
  EXPECT_EQ(tune(tuning, "congestion_algorithm=bbr"), "");
  EXPECT_EQ(tune(tuning, "ice_udp=off"), "");
  EXPECT_EQ(tune(tuning, "ice_tcp=active-passive"), "");
  Tuning expected;
  expected.ice_udp = false;
  expected.ice_tcp = IceTcp::ActivePassive;
  expected.sctp_ecn = true;
  expected.sctp_interleaving = false;
  expected.mtu = 1'400;
  expected.congestion_algorithm = CongestionAlgorithm::Bbr;
  EXPECT_EQ(tuning, expected);
}

TEST(Tune, SaysWhatIsWrongAndLeavesEverythingAsItWas) {
  Tuning tuning;
  for (const char* wrong : {"", "=", "mtu", "mtu=", "mtu=575", "mtu=16422", "mtu=1400x", "mtu=-1",
                            "max_mtu=99999999999999999999", "sctp_ecn=1", "sctp_ecn=ON", "ice_tcp=passive",
                            "ice_udp=", "congestion_algorithm=vegas", "close_timeout=1", "Mtu=1400"}) {
    const std::string why = tune(tuning, wrong);
    EXPECT_FALSE(why.empty()) << wrong;
    EXPECT_EQ(why.find('\n'), std::string::npos) << wrong;
  }
  EXPECT_EQ(tuning, Tuning{});
  EXPECT_EQ(tune(tuning, "mtu=575"), "'575' is no value of mtu: 576 to 16421");
}

}  // namespace
}  // namespace linnet::app
