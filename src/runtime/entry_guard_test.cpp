#include "runtime/entry_guard.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace linnet::runtime {
namespace {

#if defined(__SANITIZE_THREAD__)
constexpr bool thread_sanitizer = true;
#elif defined(__has_feature)
constexpr bool thread_sanitizer = __has_feature(thread_sanitizer);
#else
constexpr bool thread_sanitizer = false;
#endif

void enter_on_another_thread(EntryGuard& guard) {
  std::thread{[&guard] { const EntryGuard::Scope scope{guard}; }}.join();
}

TEST(EntryGuard, LetsOneThreadEnterAgainAndAnotherOneAfterIt) {
  EntryGuard guard;
  {
    const EntryGuard::Scope outer{guard};
    const EntryGuard::Scope inner{guard};
  }
  enter_on_another_thread(guard);
  const EntryGuard::Scope once_more{guard};
}

TEST(EntryGuardDeathTest, EndsTheProgramWhenTwoThreadsAreInsideAtOnce) {
#ifdef NDEBUG
  GTEST_SKIP() << "this build asserts nothing";
#endif
  if (thread_sanitizer) GTEST_SKIP() << "ThreadSanitizer does not follow a fork with threads";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EntryGuard guard;
  const auto both = [&guard] {
    const EntryGuard::Scope outer{guard};
    enter_on_another_thread(guard);
  };
  EXPECT_DEATH(both(), "two threads use one connection at once");
}

TEST(EntryGuardDeathTest, StaysClosedUntilTheOutermostScopeEnds) {
#ifdef NDEBUG
  GTEST_SKIP() << "this build asserts nothing";
#endif
  if (thread_sanitizer) GTEST_SKIP() << "ThreadSanitizer does not follow a fork with threads";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EntryGuard guard;
  const auto both = [&guard] {
    const EntryGuard::Scope outer{guard};
    {
      const EntryGuard::Scope inner{guard};
    }
    enter_on_another_thread(guard);
  };
  EXPECT_DEATH(both(), "two threads use one connection at once");
}

}  // namespace
}  // namespace linnet::runtime
