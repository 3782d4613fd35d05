#include "base/mdns_name.hpp"

#include <gtest/gtest.h>

#include <string>

namespace linnet {
namespace {

TEST(IsMdnsName, HoldsForASingleLabelBeforeLocal) {
  const std::string longest(63, 'a');
  for (const std::string& name : {std::string{"1f92e5a9-0a9d-4f0b-9fca-4f8b8f6f8c5e.local"}, std::string{"x.local."},
                                  std::string{"X.LOCAL"}, std::string{"x.Local."}, longest + ".local"})
    EXPECT_TRUE(is_mdns_name(name)) << name;
  for (const std::string& name :
       {std::string{"local"}, std::string{".local"}, std::string{"a.b.local"}, std::string{"x.local.."},
        std::string{"xlocal"}, std::string{"example.org"}, std::string{}, longest + "a.local"})
    EXPECT_FALSE(is_mdns_name(name)) << name;
}

}  // namespace
}  // namespace linnet
