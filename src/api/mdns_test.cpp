// Tuning::ice_mdns: two connections that know each other by names only, over real multicast.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "api/testing_pair.hpp"
#include "runtime/mdns_publisher.hpp"
#include "runtime/testing/lonely_network.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using ::testing::Each;
using ::testing::EndsWith;

Tuning hidden(IceTcp tcp) {
  Tuning tuning;
  tuning.ice_loopback_only = true;
  tuning.ice_mdns = true;
  tuning.ice_tcp = tcp;
  tuning.ice_udp = tcp == IceTcp::Off;
  return tuning;
}

class Mdns : public ::testing::TestWithParam<IceTcp> {};
INSTANTIATE_TEST_SUITE_P(Over, Mdns, ::testing::Values(IceTcp::Off, IceTcp::ActivePassive),
                         [](const auto& made) { return made.param == IceTcp::Off ? "Udp" : "Tcp"; });

TEST_P(Mdns, ConnectsTwoThatTellNamesOnly) {
  runtime::testing::with_loopback_alone([] {
    asio::io_context io;
    // Only a tells where it is, and b nothing: whatever comes up does so because b resolves a's names.
    testing::Pair pair{io.get_executor(), hidden(GetParam())};
    std::vector<std::string> told;
    const auto listens = pair.a->on_ice_candidate.add([&](const IceCandidateEvent& e) {
      if (e.candidate && e.candidate->address) told.push_back(*e.candidate->address);
    });
    pair.b->on_ice_candidate = nullptr;
    bool open = false;
    DataChannel channel = pair.a->create_data_channel("x");
    channel.on_open = [&] { open = true; };
    testing::run(io, [](const bool& is_open) -> awaitable<void> {
      while (!is_open) co_await asio::post(asio::use_awaitable);
    }(open));
    EXPECT_FALSE(told.empty());
    EXPECT_THAT(told, Each(EndsWith(".local")));
    for (const auto* const pc : {&pair.a, &pair.b}) {
      const std::string sdp = (*pc)->local_description()->sdp;
      EXPECT_EQ(sdp.find("127.0.0.1 "), std::string::npos) << sdp;
      EXPECT_EQ(sdp.find("::1 "), std::string::npos) << sdp;
    }
    pair.a.reset();
    pair.b.reset();
    io.restart();
    io.run_for(std::chrono::seconds{20});
    EXPECT_TRUE(io.stopped()) << "a socket or timer is still waited for";
  });
}

TEST(MdnsNames, GoWithTheSocketsThatAnAnswerLeavesUnused) {
  runtime::testing::with_loopback_alone([] {
    asio::io_context io;
    testing::Pair pair{io.get_executor(), hidden(IceTcp::Off)};
    pair.a->on_negotiation_needed = nullptr;
    pair.a->on_ice_candidate = nullptr;
    pair.b->on_ice_candidate = nullptr;
    const auto publisher = runtime::MdnsPublisher::at(io.get_executor());
    std::size_t before = 0;
    std::size_t after = 0;
    testing::run(io,
                 [](testing::Pair& both, const runtime::MdnsPublisher& names, std::size_t& a,
                    std::size_t& b) -> awaitable<void> {
                   const DataChannel channel = both.a->create_data_channel("x");
                   co_await both.a->set_local_description();
                   while (names.names() == 0) co_await asio::post(asio::use_awaitable);
                   a = names.names();
                   const auto offer = *both.a->local_description();
                   co_await both.b->set_remote_description(offer);
                   auto answer = co_await both.b->create_answer();
                   const auto at = answer.sdp.find("m=application ") + std::string_view{"m=application "}.size();
                   answer.sdp.replace(at, answer.sdp.find(' ', at) - at, "0");
                   co_await both.a->set_remote_description(answer);
                   for (int i = 0; i < 100; ++i) co_await asio::post(asio::use_awaitable);
                   b = names.names();
                 }(pair, *publisher, before, after));
    EXPECT_GT(before, 0U);
    EXPECT_EQ(after, 0U);
  });
}

}  // namespace
}  // namespace linnet
