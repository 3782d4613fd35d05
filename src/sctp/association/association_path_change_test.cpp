// What carries the association takes another path: nothing that was learnt of the last one may hold it back.
#include <gtest/gtest.h>

#include "sctp/association/test_pipe.hpp"

namespace linnet::sctp {
namespace {

using namespace testing;

struct PathChange : ::testing::Test {
  Pipe pipe{1, {.delay = 150us}};
  std::uint32_t sent = 0;

  void SetUp() override {
    ASSERT_TRUE(pipe.connect());
    bulk(100ms, 2);
    ASSERT_EQ(pipe.a.association.statistics().pacing_rate, 0) << "a cable is not paced";
  }
  /// So many messages each 10 ms, while there is room.
  void bulk(Duration time, std::size_t messages = 15) {
    for (const TimePoint end = pipe.now + time; pipe.now < end;) {
      for (std::size_t i = 0; i < messages && pipe.a.association.send(pipe.now, StreamId{1}, Ppid{53}, payload); ++i)
        ++sent;
      pipe.run_for(10ms);
      read += pipe.b.messages.size();
      pipe.b.messages.clear();
      pipe.b.events.clear();
    }
  }
  void take_path(Duration delay) {
    pipe.faults.delay = delay;
    for (Peer* const peer : {&pipe.a, &pipe.b}) peer->association.path_changed(pipe.now);
  }
  [[nodiscard]] bool deliver() {
    return pipe.run([this] { return read + pipe.b.messages.size() == sent; });
  }

  std::vector<std::byte> payload = std::vector<std::byte>(50'000);
  std::size_t read = 0;
};

TEST_F(PathChange, FromACableToAnOceanIsPacedAndMakesRoom) {
  ASSERT_LE(pipe.b.association.statistics().receive_window, 1U << 20U);
  ASSERT_TRUE(deliver());
  take_path(50ms);
  bulk(2s);
  EXPECT_GT(pipe.a.association.statistics().pacing_rate, 0);
  EXPECT_GT(pipe.b.association.statistics().receive_window, 4U << 20U);
  EXPECT_TRUE(deliver());
}

TEST_F(PathChange, ForgetsTheRoundTripsOfTheLastOne) {
  ASSERT_TRUE(deliver());
  take_path(200ms);
  for (const Peer* const peer : {&pipe.a, &pipe.b}) {
    EXPECT_EQ(peer->association.statistics().smoothed_round_trip_time, 0ns);
    EXPECT_EQ(peer->association.statistics().retransmission_timeout, Options{}.rto_initial);
  }
  bulk(3s);
  EXPECT_TRUE(deliver());
  EXPECT_NEAR(static_cast<double>(pipe.a.association.statistics().smoothed_round_trip_time / 1ms), 400, 40);
  EXPECT_EQ(pipe.a.association.statistics().chunks_retransmitted, 0U)
      << "a timeout of the cable's is none of an ocean's";
}

TEST_F(PathChange, DoesNotMeasureThisOneByWhatTheLastOneAnswers) {
  take_path(300ms);
  pipe.run_for(100ms);  // what is in flight arrives as on a cable
  EXPECT_EQ(pipe.a.association.statistics().smoothed_round_trip_time, 0ns);
}

TEST_F(PathChange, AsksAtOnceWhetherWhatIsInFlightIsLost) {
  pipe.filter = [](const Peer&, std::vector<std::byte>&) { return false; };
  (void)pipe.a.association.send(pipe.now, StreamId{1}, Ppid{53}, payload);
  ++sent;
  pipe.run_for(1ms);
  ASSERT_GT(pipe.a.association.statistics().bytes_in_flight, 0U);
  pipe.filter = nullptr;
  take_path(10ms);
  pipe.run_for(400ms);
  read += pipe.b.messages.size();
  EXPECT_EQ(read, sent) << "long before any timeout";
  EXPECT_EQ(pipe.a.association.statistics().timeouts, 0U);
}

TEST_F(PathChange, InMidTransferBeginsWithTheInitialWindowAndLosesNothing) {
  ASSERT_GT(pipe.a.association.statistics().congestion_window, 20'000U);
  take_path(50ms);
  EXPECT_LE(pipe.a.association.statistics().congestion_window, 10U * 1'191);
  bulk(2s);
  EXPECT_GT(pipe.a.association.statistics().congestion_window, 500'000U) << "slow start";
  EXPECT_TRUE(deliver());
  EXPECT_EQ(pipe.a.count<Failed>(), 0U);
}

TEST_F(PathChange, ThatLosesAllThatWasInFlightBeginsAsWell) {
  pipe.flying.clear();
  pipe.filter = [](const Peer&, std::vector<std::byte>&) { return false; };
  bulk(20ms);
  take_path(20ms);
  pipe.filter = nullptr;
  bulk(3s);
  EXPECT_GT(pipe.a.association.statistics().congestion_window, 200'000U) << "slow start, not CUBIC from a few packets";
  EXPECT_TRUE(deliver());
}

}  // namespace
}  // namespace linnet::sctp
