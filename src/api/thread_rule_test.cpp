// Debug builds assert that two threads are never inside one connection at once: every member that is no operation with
// a completion token says so.
#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "api/testing_pair.hpp"

namespace linnet {
namespace {

#if defined(__SANITIZE_THREAD__)
constexpr bool thread_sanitizer = true;
#elif defined(__has_feature)
constexpr bool thread_sanitizer = __has_feature(thread_sanitizer);
#else
constexpr bool thread_sanitizer = false;
#endif

struct Use {
  const char* name;
  std::function<void(PeerConnection&, std::optional<DataChannel>&)> use;
  friend std::ostream& operator<<(std::ostream& out, const Use& use) { return out << use.name; }
};

class ThreadRuleDeathTest : public ::testing::TestWithParam<Use> {};

/// Uses the connection on another thread while this one is inside of it, in a handler.
void use_on_two_threads(const Use& use) {
  boost::asio::io_context io;
  PeerConnection pc{io};
  std::optional<DataChannel> channel = pc.create_data_channel("x");
  pc.on_negotiation_needed = [&] { std::thread{[&] { use.use(pc, channel); }}.join(); };
  io.poll();
}

TEST_P(ThreadRuleDeathTest, EndsTheProgramWhenASecondThreadIsInside) {
#ifdef NDEBUG
  GTEST_SKIP() << "this build asserts nothing";
#endif
  if (thread_sanitizer) GTEST_SKIP() << "ThreadSanitizer does not follow a fork with threads";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(use_on_two_threads(GetParam()), "two threads use one connection at once");
}

// NOLINTBEGIN(bugprone-macro-parentheses)
#define LINNET_OF_CONNECTION(member)                              \
  Use {                                                           \
    #member, [](PeerConnection& pc, auto&) { (void)pc.member(); } \
  }
#define LINNET_OF_CHANNEL(member)                                           \
  Use {                                                                     \
    "channel_" #member, [](PeerConnection&, auto& c) { (void)c->member(); } \
  }
// NOLINTEND(bugprone-macro-parentheses)

INSTANTIATE_TEST_SUITE_P(
    Members, ThreadRuleDeathTest,
    ::testing::Values(
        LINNET_OF_CONNECTION(signaling_state), LINNET_OF_CONNECTION(ice_gathering_state),
        LINNET_OF_CONNECTION(ice_connection_state), LINNET_OF_CONNECTION(connection_state),
        LINNET_OF_CONNECTION(can_trickle_ice_candidates), LINNET_OF_CONNECTION(local_description),
        LINNET_OF_CONNECTION(current_local_description), LINNET_OF_CONNECTION(pending_local_description),
        LINNET_OF_CONNECTION(remote_description), LINNET_OF_CONNECTION(current_remote_description),
        LINNET_OF_CONNECTION(pending_remote_description), LINNET_OF_CONNECTION(failure),
        LINNET_OF_CONNECTION(selected_path), LINNET_OF_CONNECTION(trace_failure), LINNET_OF_CONNECTION(sctp),
        LINNET_OF_CONNECTION(get_configuration), LINNET_OF_CONNECTION(restart_ice), LINNET_OF_CONNECTION(close),
        Use{"set_configuration", [](PeerConnection& pc, auto&) { pc.set_configuration({}); }},
        Use{"create_data_channel", [](PeerConnection& pc, auto&) { (void)pc.create_data_channel("y"); }},
        Use{"handler", [](PeerConnection& pc, auto&) { pc.on_ice_candidate = [] {}; }},
        Use{"no_handler", [](PeerConnection& pc, auto&) { pc.on_ice_candidate = nullptr; }},
        Use{"added_handler", [](PeerConnection& pc, auto&) { pc.on_ice_candidate.add([] {}).release(); }},
        LINNET_OF_CHANNEL(id), LINNET_OF_CHANNEL(ready_state), LINNET_OF_CHANNEL(buffered_amount),
        LINNET_OF_CHANNEL(buffered_amount_low_threshold), LINNET_OF_CHANNEL(close),
        Use{"channel_set_threshold", [](PeerConnection&, auto& c) { c->set_buffered_amount_low_threshold(1); }},
        Use{"channel_send_text", [](PeerConnection&, auto& c) { c->send("x"); }},
        Use{"channel_send_bytes", [](PeerConnection&, auto& c) { c->send(std::span<const std::byte>{}); }},
        Use{"channel_handler", [](PeerConnection&, auto& c) { c->on_message = [] {}; }},
        Use{"channel_last_handle", [](PeerConnection&, auto& c) { c.reset(); }}),
    [](const auto& p) { return std::string{p.param.name}; });

#undef LINNET_OF_CONNECTION
#undef LINNET_OF_CHANNEL

TEST(ThreadRule, LetsOneThreadAfterAnotherUseAConnection) {
  boost::asio::io_context io;
  PeerConnection pc{io};
  auto channel = pc.create_data_channel("x");
  std::thread{[&] {
    pc.on_negotiation_needed = [&] { EXPECT_EQ(channel.ready_state(), DataChannelState::Connecting); };
    io.poll();
  }}.join();
  EXPECT_EQ(pc.signaling_state(), SignalingState::Stable);
}

}  // namespace
}  // namespace linnet
