#include "turn_server/users.hpp"

#include <gtest/gtest.h>

#include "crypto/time_limited_password.hpp"
#include "stun/message_view.hpp"

namespace linnet::turn_server {
namespace {

Options options() { return {.realm = "example.org", .users = {{"ann", "apple"}, {"99", "old"}}, .secret = "north"}; }

TEST(Users, HaveTheKeyOfTheirPassword) {
  const Users users{options()};
  EXPECT_EQ(users.key("ann", 0), stun::long_term_key("ann", "example.org", "apple"));
  EXPECT_FALSE(users.key("bob", 0));
  EXPECT_FALSE(users.key("", 0));
  EXPECT_FALSE(users.key("Ann", 0));
}

TEST(Users, OfTheSecretAreKnownUntilTheyExpire) {
  const Users users{options()};
  const auto* name = "1433895918:ninefingers";
  EXPECT_EQ(users.key(name, 1'433'895'917), stun::long_term_key(name, "example.org", "jy8hTxmOO7UtEKXqSkSlvakPVYA="));
  EXPECT_FALSE(users.key(name, 1'433'895'918));
  EXPECT_TRUE(users.key("1433895918", 0)) << "the name is optional";
}

TEST(Users, OfTheSecretNeedAnExpiryThatIsANumber) {
  const Users users{options()};
  for (const auto* name : {"x:ann", ":ann", "-5:ann", "+5000:ann", " 5000:ann", "5000 :ann", "0x5000:ann",
                           "99999999999999999999999:ann", "ann:5000"})
    EXPECT_FALSE(users.key(name, 0)) << name;
}

TEST(Users, OfNoSecretAreFixedOnesOnly) {
  Options fixed = options();
  fixed.secret.clear();
  const Users users{fixed};
  EXPECT_FALSE(users.key("5000:ann", 0));
  EXPECT_TRUE(users.key("99", 1'000)) << "a name of digits is a name here";
}

TEST(Users, AreCountedWithoutTheirExpiry) {
  const Users users{options()};
  EXPECT_EQ(users.account("1433895918:ninefingers"), "ninefingers");
  EXPECT_EQ(users.account("1433895919:ninefingers"), "ninefingers");
  EXPECT_EQ(users.account("ann"), "ann");
  EXPECT_EQ(users.account("1433895918"), "");
}

}  // namespace
}  // namespace linnet::turn_server
