#include <gmock/gmock.h>

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "session/testing/rig.hpp"
#include "sim/allocations.hpp"

namespace linnet::session::testing {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// What the rig wrote down is not the sessions'.
void forget_log(Rig& rig) {
  for (Peer* peer : {&rig.a, &rig.b}) {
    std::exchange(peer->log, {});
    std::exchange(peer->announced, {});
    std::exchange(peer->received, {});
  }
}

/// `count` channels made by `from`, each with one message delivered to `to`.
void open_and_deliver(Rig& rig, Peer& from, Peer& to, std::size_t count) {
  std::vector<ChannelId> made;
  const std::size_t announced = to.announced.size() + count;
  while (made.size() < count) made.push_back(from.session->create_data_channel(rig.now(), "many").value());
  ASSERT_EQ(rig.run_until([&] { return to.announced.size() == announced; }, 60s), sim::Stop::Done);
  const std::size_t delivered = to.received.size() + count;
  for (const ChannelId id : made) {
    while (!from.session->send(rig.now(), id, "one")) rig.run_for(10ms);
  }
  ASSERT_EQ(rig.run_until([&] { return to.received.size() == delivered; }, 60s), sim::Stop::Done);
}

TEST(SessionMemory, EveryChannelThatThereIsAnIdentifierForOpensAndDelivers) {
  constexpr std::size_t each = sanitized ? 2'000 : 32'767;
  Rig rig;
  (void)rig.connect();
  open_and_deliver(rig, rig.a, rig.b, each - 1);
  open_and_deliver(rig, rig.b, rig.a, each);
  EXPECT_EQ(rig.b.announced.size(), each);
  EXPECT_EQ(rig.a.announced.size(), each);
  if (sanitized) return;
  for (const Peer* peer : {&rig.a, &rig.b}) {
    const auto more = peer->session->create_data_channel(rig.now(), "one more");
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().name, ErrorName::OperationError);
  }
}

TEST(SessionMemory, AnOpenChannelThatIsIdleCostsLittle) {
  constexpr std::size_t each_side = 2'000;
  Rig rig;
  (void)rig.connect();
  const auto open = [&rig] {
    open_and_deliver(rig, rig.a, rig.b, each_side);
    open_and_deliver(rig, rig.b, rig.a, each_side);
    rig.run_for(2s);
    forget_log(rig);
  };
  open();  // Queues grow to what they keep when they are empty again.
  const std::int64_t before = sim::live_bytes();
  open();
  const auto each = static_cast<double>(sim::live_bytes() - before) / (4.0 * each_side);
  RecordProperty("bytes_per_channel", std::to_string(each));
  EXPECT_LT(each, 400) << "bytes a channel and end";
  EXPECT_GT(each, 100) << "it counts";
}

TEST(SessionMemory, AConnectedSessionThatIsIdleCostsLittle) {
  if (sim::heap_bytes() == 0) GTEST_SKIP() << "the sanitizer's malloc does not tell";
  // Many: the C library counts some of what was freed as if it were still in use.
  constexpr std::size_t rigs = 16;
  std::deque<Rig> all;
  for (std::uint64_t i = 0; i < rigs; ++i) {
    // With OpenSSL's own keys, as outside of tests: a seeded session has a copy of OpenSSL's tables, of 350 KB.
    (void)all.emplace_back(i + 1, sim::LinkOptions{}, Tuning{}, Tuning{}, Configuration{}, Keys::System).connect();
    all.back().run_for(5s);
  }
  const std::int64_t before = sim::heap_bytes();
  for (Rig& rig : all) {
    rig.a.session.reset();
    rig.b.session.reset();
  }
  const auto each = static_cast<double>(before - sim::heap_bytes()) / (2.0 * rigs);
  RecordProperty("bytes_per_session", std::to_string(each));
  EXPECT_LT(each, 40'000);
  EXPECT_GT(each, 4'000) << "it counts";
}

}  // namespace
}  // namespace linnet::session::testing
