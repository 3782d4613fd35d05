#include <gmock/gmock.h>

#include "session/testing/rig.hpp"

namespace linnet::session::testing {
namespace {

TEST(Session, RefusesConfigurationsThatTheW3cRefuses) {
  SeededGenerator generator{1};
  const auto error = [&](const Configuration& c, const Tuning& t = {}) {
    const auto made = Session::create(c, t, {.generator = generator, .simulation = true});
    return made ? std::optional<ErrorName>{} : std::optional{made.error().name};
  };
  EXPECT_EQ(error({.ice_servers = {{.urls = {"nonsense"}}}}), ErrorName::SyntaxError);
  EXPECT_EQ(error({.ice_servers = {{.urls = {}}}}), ErrorName::SyntaxError);
  EXPECT_EQ(error({.ice_servers = {{.urls = {"turn:turn.example.org"}}}}), ErrorName::InvalidAccessError);
  Tuning bad;
  bad.mtu = 100;
  EXPECT_EQ(error({}, bad), ErrorName::RangeError);
}

TEST(Session, RefusesPoliciesThatMakeNoSense) {
  SeededGenerator generator{1};
  const auto error = [&](auto change) {
    Tuning tuning;
    change(tuning);
    const auto made = Session::create({}, tuning, {.generator = generator, .simulation = true});
    return made ? std::optional<ErrorName>{} : std::optional{made.error().name};
  };
  EXPECT_EQ(error([](Tuning& t) { t.port_min = 5'000; }), std::nullopt);
  EXPECT_EQ(error([](Tuning& t) { t.port_min = t.port_max = 5'000; }), std::nullopt);
  EXPECT_EQ(error([](Tuning& t) { t.port_min = 5'000, t.port_max = 4'999; }), ErrorName::RangeError);
  EXPECT_EQ(error([](Tuning& t) { t.port_max = 5'000; }), ErrorName::RangeError);
  EXPECT_EQ(error([](Tuning& t) { t.ice_deny_addresses = {"10.0.0.0/8", "::1"}; }), std::nullopt);
  EXPECT_EQ(error([](Tuning& t) { t.ice_deny_addresses = {"10.0.0.0/33"}; }), ErrorName::SyntaxError);
  EXPECT_EQ(error([](Tuning& t) { t.ice_allow_addresses = {"eth0"}; }), ErrorName::SyntaxError);
  EXPECT_EQ(error([](Tuning& t) { t.ice_public_addresses = {{"203.0.113.5"}, {"2001:db8::5", "fd00::5"}}; }),
            std::nullopt);
  EXPECT_EQ(error([](Tuning& t) { t.ice_public_addresses = {{"example.org"}}; }), ErrorName::SyntaxError);
  EXPECT_EQ(error([](Tuning& t) { t.ice_public_addresses = {{"203.0.113.5", "eth0"}}; }), ErrorName::SyntaxError);
  EXPECT_EQ(error([](Tuning& t) { t.ice_public_addresses = {{"203.0.113.5", "fd00::5"}}; }), ErrorName::SyntaxError);
}

TEST(Session, RefusesToChangeWhatCannotBeChanged) {
  Rig rig;
  Configuration c = rig.a.session->get_configuration();
  c.bundle_policy = BundlePolicy::MaxBundle;
  EXPECT_EQ(rig.a.session->set_configuration(rig.now(), c).error().name, ErrorName::InvalidModificationError);
  c = rig.a.session->get_configuration();
  c.ice_servers = {{.urls = {"stun:stun.example.org"}}};
  EXPECT_TRUE(rig.a.session->set_configuration(rig.now(), c));
  EXPECT_EQ(rig.a.session->get_configuration(), c);
}

}  // namespace
}  // namespace linnet::session::testing
