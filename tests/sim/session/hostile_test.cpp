// The proof that the whole stack holds together: connect, transfer and close over paths that lose up to a fifth of the
// packets (and more in bursts), reorder, duplicate and corrupt them, fall silent for a second, and take 1,280 bytes.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "sim/seed_trace.hpp"
#include "sim/session/life.hpp"

namespace linnet::sim {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t usual_seeds = 96;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr std::uint64_t usual_seeds = 96;
#else
constexpr std::uint64_t usual_seeds = 1'000;
#endif
#else
constexpr std::uint64_t usual_seeds = 1'000;
#endif

constexpr std::uint64_t shards = 8;
// The messages of a life (1 MB each way at most), held by the test, the send queue and the reader; and what a session
// needs. A queue without limit grows beyond that within the hour that a life may last.
constexpr std::int64_t memory_limit = 24 << 20;

Outcome live(std::uint64_t seed) {
  const SeedTrace trace{seed};
  Outcome outcome = Life{seed}.run();
  for (const std::string& complaint : outcome.complaints) ADD_FAILURE() << complaint;
  EXPECT_LT(outcome.most_live_bytes, memory_limit);
  return outcome;
}

class HostileLinks : public testing::TestWithParam<std::uint64_t> {};

TEST_P(HostileLinks, DeliverEverythingOrTellOfTheFailure) {
  struct {
    unsigned lives = 0, sound = 0, connected = 0, whole = 0, failed = 0, excused = 0, cut_off = 0;
    std::uint64_t bytes = 0, steps = 0;
    std::int64_t memory = 0;
    Duration time{}, longest{};
  } sum;
  const std::clock_t begin = std::clock();
  for (const std::uint64_t seed : seeds(usual_seeds)) {
    if (seed % shards != GetParam()) continue;
    const Outcome o = live(seed);
    ++sum.lives;
    // Where nothing excuses a failure.
    const bool sound = o.crossable && !o.corrupting && !o.rebound;
    sum.sound += sound ? 1 : 0;
    sum.connected += sound && (o.connected || (o.whole && !o.lost_early)) ? 1 : 0;
    // That the last word of the peer is lost, and the connection counts as failed half a minute later, is all right.
    if (o.whole && !o.lost_early) {
      ++sum.whole;
    } else if (o.crossable) {
      ++(sound ? sum.failed : sum.excused);
      std::printf("  seed %llu: %s%s%s%s\n", static_cast<unsigned long long>(seed), o.failure.c_str(),
                  o.connected ? "" : ", never connected", o.corrupting ? " (bits flipped)" : "",
                  o.rebound ? " (the NAT was rebound)" : "");
      if (std::getenv("LINNET_SIM_SEED") != nullptr) std::printf("%s\n", Plan{seed}.describe().c_str());
    } else {
      ++sum.cut_off;
    }
    sum.bytes += o.bytes_delivered;
    sum.steps += o.steps;
    sum.memory = std::max(sum.memory, o.most_live_bytes);
    sum.time += o.time;
    sum.longest = std::max(sum.longest, o.time);
  }
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  std::printf(
      "  %u lives: %u whole to the end; of %u that nothing excuses %u connected and %u failed; %u excused by flipped "
      "bits "
      "or a rebound NAT, %u cut off; %.1f MB, %llu steps, %lld s simulated (longest %lld s) in %.1f s of CPU, at most "
      "%.1f MB of memory\n",
      sum.lives, sum.whole, sum.sound, sum.connected, sum.failed, sum.excused, sum.cut_off,
      static_cast<double>(sum.bytes) / 1e6, static_cast<unsigned long long>(sum.steps),
      static_cast<long long>(duration_cast<seconds>(sum.time).count()),
      static_cast<long long>(duration_cast<seconds>(sum.longest).count()),
      static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, static_cast<double>(sum.memory) / 1e6);
  if (sum.lives < 10) return;
  EXPECT_GE((sum.connected + 1) * 100, sum.sound * 99);
  EXPECT_LE(sum.failed * 100, sum.sound * 3);
}
INSTANTIATE_TEST_SUITE_P(Shards, HostileLinks, testing::Range(std::uint64_t{0}, shards));

TEST(HostileLinks, LetTheSameSeedLeadTheSameLifeByteForByte) {
  for (const std::uint64_t seed : {3U, 4U, 5U, 6U, 7U}) {
    const Outcome first = live(seed);
    const Outcome second = live(seed);
    EXPECT_EQ(first.digest, second.digest);
    EXPECT_EQ(first.steps, second.steps);
    EXPECT_EQ(first.time, second.time);
    EXPECT_EQ(first.bytes_delivered, second.bytes_delivered);
    EXPECT_EQ(first.failure, second.failure);
  }
}

/// Seeds that found something once. They are among the usual ones; here they stay when those become fewer.
TEST(HostileLinks, LinnetSeedsThatOnceFailed) {
  for (const std::uint64_t seed : {
           15U, 241U,   // A stream used again before the peer had the answer to its reset: messages on a dead channel.
           216U, 483U,  // An ICE restart that the peer never answered, for it had closed: checking for ever.
           248U, 440U, 544U,      // Told of room for a message that did not fit, for ever.
           512U, 754U,            // The ABORT was lost and close_notify came: a loss that nobody told of.
           773U,                  // Consent was waited for once for each pair that had worked.
           26U, 649U, 878U, 993U  // close() gave up on a peer that was alive on a slow path.
       }) {
    (void)live(seed);
  }
}

}  // namespace
}  // namespace linnet::sim
