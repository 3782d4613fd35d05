#include "io/address_monitor.hpp"

#include <gtest/gtest.h>

namespace linnet::io {
namespace {

#ifdef __linux__
TEST(AddressMonitor, OpensAndHasNothingToTellWhileNothingChanges) {
  auto monitor = AddressMonitor::open();
  ASSERT_TRUE(monitor) << monitor.error().message();
  (void)monitor->read();
  EXPECT_FALSE(monitor->read());
}
#endif

}  // namespace
}  // namespace linnet::io
