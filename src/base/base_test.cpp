#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "base/bytes.hpp"
#include "base/machine.hpp"
#include "base/strong.hpp"
#include "base/timer_table.hpp"
#include "linnet/core/datagram.hpp"
#include "linnet/core/generator.hpp"

namespace linnet {
namespace {

TEST(ByteReader, ReadsPastTheEndAsZerosAndSaysSo) {
  const std::array<std::byte, 3> data{std::byte{1}, std::byte{2}, std::byte{3}};
  ByteReader r{data};
  EXPECT_EQ(r.u16(), 0x0102);
  EXPECT_TRUE(r.ok());
  EXPECT_EQ(r.u32(), 0U);
  EXPECT_FALSE(r.ok());
  EXPECT_EQ(r.u8(), 0U) << "the rest must not be read after a failure";
}

TEST(ByteWriter, DropsWhatDoesNotFitWhole) {
  std::array<std::byte, 3> out{};
  ByteWriter w{out};
  w.u16(0x0102);
  w.u16(0x0304);
  w.u8(9);
  EXPECT_FALSE(w.ok());
  EXPECT_EQ(w.size(), 2U);
}

TEST(DatagramBatch, JoinsEqualNeighboursOnOnePathIntoOneRun) {
  DatagramBatch batch;
  const Path a{.local = {IpAddress::v4({127, 0, 0, 1}), 1}, .remote = {IpAddress::v4({127, 0, 0, 1}), 2}};
  Path b = a;
  b.remote.port = 3;
  const auto put = [&](const Path& path, std::size_t size, Ecn ecn = Ecn::NotEct) {
    ASSERT_FALSE(batch.begin(path, ecn).empty());
    batch.commit(size);
  };
  put(a, 100);
  put(a, 100);
  put(a, 60);  // the shorter last one still fits the run
  put(a, 60);  // but nothing may follow it
  put(b, 60);
  put(b, 60, Ecn::Ect0);
  put(b, 80, Ecn::Ect0);  // longer than the run's segments
  ASSERT_EQ(batch.runs().size(), 5U);
  EXPECT_EQ(batch.runs()[0].segments(), 3U);
  EXPECT_EQ(batch.runs()[0].bytes.size(), 260U);
  EXPECT_EQ(batch.runs()[1].segments(), 1U);
}

TEST(DatagramBatch, ARunEndsAtTheLimitsOfOneSend) {
  DatagramBatch batch;
  const Path path;
  for (int i = 0; i < 65; ++i) {
    (void)batch.begin(path, Ecn::NotEct);
    batch.commit(10);
  }
  ASSERT_EQ(batch.runs().size(), 2U);
  EXPECT_EQ(batch.runs()[0].segments(), DatagramBatch::max_run_segments);
}

TEST(DatagramBatch, FullMeansAnEmptySpanUntilCleared) {
  DatagramBatch batch{3'000};
  EXPECT_EQ(batch.begin({}, Ecn::NotEct).size(), 3'000U);
  batch.commit(2'000);
  EXPECT_TRUE(batch.begin({}, Ecn::NotEct).empty());
  EXPECT_EQ(batch.begin({}, Ecn::NotEct, 500).size(), 1'000U);
  batch.clear();
  EXPECT_FALSE(batch.begin({}, Ecn::NotEct).empty());
}

TEST(SeededGenerator, ASeedMeansTheSameBytesForEver) {
  SeededGenerator a{7};
  SeededGenerator b{7};
  SeededGenerator c{8};
  std::vector<std::byte> x(1'000);
  std::vector<std::byte> y(1'000);
  a.fill(x);
  b.fill(y);
  EXPECT_EQ(x, y);
  c.fill(y);
  EXPECT_NE(x, y);
  for (int i = 0; i < 1'000; ++i) EXPECT_LT(a.below(3), 3U);
}

enum class Timer : std::uint8_t { A, B, Count };

TEST(TimerTable, ExpiresInOrderOfDeadlines) {
  TimerTable<Timer> timers;
  EXPECT_EQ(timers.next(), never);
  const TimePoint t0{};
  timers.set(Timer::A, t0 + Duration{20});
  timers.set(Timer::B, t0 + Duration{10});
  EXPECT_EQ(timers.next(), t0 + Duration{10});
  EXPECT_EQ(timers.expire(t0 + Duration{9}), std::nullopt);
  EXPECT_EQ(timers.expire(t0 + Duration{20}), Timer::B);
  EXPECT_EQ(timers.expire(t0 + Duration{20}), Timer::A);
  EXPECT_EQ(timers.expire(t0 + Duration{20}), std::nullopt);
}

}  // namespace
}  // namespace linnet
