#include "runtime/mdns_client.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>

namespace linnet::runtime {
namespace {

using namespace std::chrono_literals;

TEST(MdnsClient, LeavesNothingPendingWhenClosedWithAQuestionUnderWay) {
  boost::asio::io_context context;
  SeededGenerator generator{1};
  const auto client = std::make_shared<MdnsClient>(context.get_executor(), generator, io::HostAddressPolicy{},
                                                   [](ResolveId, const auto&) {});
  client->query(ResolveId{1}, "01234567-89ab-cdef-0123-456789abcdef.local");
  context.run_for(20ms);
  client->close();
  context.restart();
  context.run_for(5s);
  EXPECT_TRUE(context.stopped()) << "a socket or timer is still waited for";
}

}  // namespace
}  // namespace linnet::runtime
