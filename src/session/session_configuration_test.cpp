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
