#include "continuity.hpp"

#include <gtest/gtest.h>

namespace linnet::app {
namespace {

using State = PeerConnectionState;
using Step = Continuity::Step;

Continuity that(std::initializer_list<State> states) {
  Continuity continuity;
  for (const State state : states) EXPECT_EQ(continuity.became(state), Step::Nothing);
  return continuity;
}

TEST(Continuity, KeepsWhatIsConnectedWhenTheServerIsBack) {
  auto continuity = that({State::Connecting, State::Connected});
  EXPECT_EQ(continuity.rejoined(false), Step::Nothing);
}

TEST(Continuity, RestartsWhatLostItsPathWhileTheServerWasAway) {
  auto continuity = that({State::Connecting, State::Connected, State::Disconnected});
  EXPECT_EQ(continuity.rejoined(false), Step::RestartIce);
}

TEST(Continuity, RestartsWhatLosesItsPathAfterTheServerIsBackButOnce) {
  auto continuity = that({State::Connecting, State::Connected});
  ASSERT_EQ(continuity.rejoined(false), Step::Nothing);
  EXPECT_EQ(continuity.became(State::Disconnected), Step::RestartIce) << "signaling noticed first";
  EXPECT_EQ(continuity.became(State::Connected), Step::Nothing);
  EXPECT_EQ(continuity.became(State::Disconnected), Step::Nothing) << "that is another matter, and ICE's";
}

TEST(Continuity, LeavesToIceWhatIsInterruptedWhileSignalingGoesOn) {
  (void)that({State::Connecting, State::Connected, State::Disconnected, State::Connected, State::Disconnected});
}

TEST(Continuity, CallsAgainWhatHadNotComeUp) {
  EXPECT_EQ(that({}).rejoined(false), Step::CallAgain);
  EXPECT_EQ(that({State::Connecting}).rejoined(false), Step::CallAgain);
  EXPECT_EQ(that({State::Connecting, State::Failed}).rejoined(false), Step::CallAgain);
  EXPECT_EQ(that({State::Connecting, State::Disconnected}).rejoined(false), Step::CallAgain)
      << "it was never connected";
  EXPECT_EQ(that({State::Connecting, State::Connected, State::Failed}).rejoined(false), Step::CallAgain);
}

TEST(Continuity, RestartsWhereASignalWasLostSoThatThePeerHearsOfAllCandidates) {
  auto continuity = that({State::Connecting, State::Connected});
  continuity.not_told();
  EXPECT_EQ(continuity.rejoined(false), Step::RestartIce);
  EXPECT_EQ(continuity.rejoined(false), Step::Nothing) << "all has been told since";
}

TEST(Continuity, TellsAPeerThatComesBackWhatItCouldNotHear) {
  auto continuity = that({State::Connecting, State::Connected});
  EXPECT_EQ(continuity.peer_came_back(false), Step::Nothing) << "it heard everything";
  continuity.not_told();
  EXPECT_EQ(continuity.peer_came_back(false), Step::RestartIce);
  EXPECT_EQ(continuity.peer_came_back(false), Step::Nothing);
  auto young = that({State::Connecting});
  young.not_told();
  EXPECT_EQ(young.peer_came_back(false), Step::Nothing) << "who comes calls";
}

TEST(Continuity, RestartsWhereAnAnswerMayHaveBeenLost) {
  auto continuity = that({State::Connecting, State::Connected});
  EXPECT_EQ(continuity.rejoined(true), Step::RestartIce);
  EXPECT_EQ(continuity.peer_came_back(true), Step::RestartIce);
  auto young = that({State::Connecting});
  EXPECT_EQ(young.peer_came_back(true), Step::Nothing);
  EXPECT_EQ(young.rejoined(true), Step::CallAgain);
}

TEST(Continuity, OutlivesAPeerThatOnlyLostTheServerOrCameBackFromElsewhere) {
  for (const char* reason : {"lost", "replaced"}) {
    EXPECT_TRUE(that({State::Connecting, State::Connected}).outlives(reason)) << reason;
    EXPECT_TRUE(that({State::Connecting, State::Connected, State::Disconnected}).outlives(reason)) << reason;
    EXPECT_FALSE(that({State::Connecting, State::Connected, State::Failed}).outlives(reason)) << reason;
    EXPECT_FALSE(that({State::Connecting}).outlives(reason)) << reason;
  }
  for (const char* reason : {"left", "kicked", ""})
    EXPECT_FALSE(that({State::Connecting, State::Connected}).outlives(reason)) << reason;
}

}  // namespace
}  // namespace linnet::app
