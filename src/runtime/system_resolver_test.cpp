#include "runtime/system_resolver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <latch>
#include <optional>
#include <thread>

namespace linnet::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const IpAddress address = IpAddress::v4({192, 0, 2, 1});

/// A system whose name server says nothing for "silent" until it is told to, and knows every other name.
class System {
 public:
  [[nodiscard]] SystemResolver::LookUp look_up() {
    return [state = state_](const std::string& host) {
      if (host == "silent") state->spoken.wait();
      return std::vector{address};
    };
  }
  ~System() { state_->spoken.count_down(); }

 private:
  struct State {
    std::latch spoken{1};
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

TEST(SystemResolver, KnowsThisMachineAndNoInvalidName) {
  boost::asio::io_context context;
  const auto resolver = SystemResolver::at(context.get_executor());
  std::optional<std::vector<IpAddress>> localhost;
  std::optional<std::vector<IpAddress>> nobody;
  (void)resolver->resolve("localhost", [&](std::vector<IpAddress> found) { localhost = std::move(found); });
  (void)resolver->resolve("a name with spaces", [&](std::vector<IpAddress> found) { nobody = std::move(found); });
  EXPECT_FALSE(localhost || nobody);
  context.run();
  ASSERT_TRUE(localhost && nobody);
  EXPECT_TRUE(std::ranges::any_of(*localhost, &IpAddress::is_loopback));
  EXPECT_THAT(*nobody, IsEmpty());
}

TEST(SystemResolver, ASilentNameServerDelaysNoOtherName) {
  System system;
  boost::asio::io_context context;
  const auto resolver = SystemResolver::at(context.get_executor(), system.look_up());
  (void)resolver->resolve("silent", [](const std::vector<IpAddress>&) { ADD_FAILURE(); });
  std::vector<IpAddress> found;
  (void)resolver->resolve("known", [&](std::vector<IpAddress> addresses) {
    found = std::move(addresses);
    context.stop();
  });
  context.run();
  EXPECT_THAT(found, ElementsAre(address));
}

TEST(SystemResolver, NobodyWaitsForANameThatIsNotWantedAnyMore) {
  System system;
  boost::asio::io_context context;
  const auto resolver = SystemResolver::at(context.get_executor(), system.look_up());
  const auto id = resolver->resolve("silent", [](const std::vector<IpAddress>&) { ADD_FAILURE(); });
  context.poll();
  EXPECT_FALSE(context.stopped()) << "there is an answer to come";
  resolver->cancel(id);
  context.run();
}

TEST(SystemResolver, AnAnswerAfterTheEndOfTheContextFindsNobody) {
  auto system = std::make_optional<System>();
  std::shared_ptr<SystemResolver> resolver;
  {
    boost::asio::io_context context;
    resolver = SystemResolver::at(context.get_executor(), system->look_up());
    (void)resolver->resolve("silent", [](const std::vector<IpAddress>&) { ADD_FAILURE(); });
  }
  system.reset();
}

TEST(SystemResolver, LooksUpManyNamesInFewThreads) {
  struct Count {
    std::atomic<std::size_t> now{0};
    std::atomic<std::size_t> most{0};
  };
  const auto count = std::make_shared<Count>();
  boost::asio::io_context context;
  const auto resolver = SystemResolver::at(context.get_executor(), [count](const std::string&) {
    const std::size_t now = ++count->now;
    for (std::size_t most = count->most; most < now && !count->most.compare_exchange_weak(most, now);) {
    }
    std::this_thread::yield();
    --count->now;
    return std::vector{address};
  });
  std::size_t answers = 0;
  for (int i = 0; i < 500; ++i)
    (void)resolver->resolve("name", [&](const std::vector<IpAddress>& found) { answers += found.size(); });
  context.run();
  EXPECT_EQ(answers, 500U);
  EXPECT_LE(count->most, SystemResolver::max_threads);
}

TEST(SystemResolver, IsOneForAllOfAnExecutor) {
  boost::asio::io_context context;
  const auto resolver = SystemResolver::at(context.get_executor());
  EXPECT_EQ(SystemResolver::at(context.get_executor()), resolver);
}

}  // namespace
}  // namespace linnet::runtime
