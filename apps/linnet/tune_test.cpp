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

TEST(Tune, SetsListsAndPorts) {
  Tuning tuning;
  EXPECT_EQ(tune(tuning, "ice_deny_interfaces=docker*,tun0"), "");
  EXPECT_EQ(tune(tuning, "ice_allow_addresses=10.0.0.0/8"), "");
  EXPECT_EQ(tune(tuning, "ice_public_addresses=203.0.113.5,2001:db8::5/fd00::5"), "");
  EXPECT_EQ(tune(tuning, "ice_ipv4_first=on"), "");
  EXPECT_EQ(tune(tuning, "port_min=5000"), "");
  Tuning expected;
  expected.ice_deny_interfaces = {"docker*", "tun0"};
  expected.ice_allow_addresses = {"10.0.0.0/8"};
  expected.ice_public_addresses = {{.address = "203.0.113.5"}, {.address = "2001:db8::5", .local = "fd00::5"}};
  expected.ice_ipv4_first = true;
  expected.port_min = 5'000;
  EXPECT_EQ(tuning, expected);
  EXPECT_EQ(tune(tuning, "ice_deny_interfaces="), "");
  EXPECT_TRUE(tuning.ice_deny_interfaces.empty());
}

TEST(Tune, SaysWhatIsWrongAndLeavesEverythingAsItWas) {
  Tuning tuning;
  for (const char* wrong : {"",
                            "=",
                            "mtu",
                            "mtu=",
                            "mtu=575",
                            "mtu=16422",
                            "mtu=1400x",
                            "mtu=-1",
                            "max_mtu=99999999999999999999",
                            "sctp_ecn=1",
                            "sctp_ecn=ON",
                            "ice_tcp=passive",
                            "ice_udp=",
                            "port_min=65536",
                            "port_min=x",
                            "ice_deny_interfaces=a,,b",
                            "ice_public_addresses=eth0",
                            "ice_public_addresses=1.2.3.4/",
                            "congestion_algorithm=vegas",
                            "close_timeout=1",
                            "Mtu=1400"}) {
    const std::string why = tune(tuning, wrong);
    EXPECT_FALSE(why.empty()) << wrong;
    EXPECT_EQ(why.find('\n'), std::string::npos) << wrong;
  }
  EXPECT_EQ(tuning, Tuning{});
  EXPECT_EQ(tune(tuning, "mtu=575"), "'575' is no value of mtu: 576 to 16421");
}

}  // namespace
}  // namespace linnet::app
