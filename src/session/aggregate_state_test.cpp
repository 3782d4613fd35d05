#include "session/aggregate_state.hpp"

#include <gmock/gmock.h>

namespace linnet::session {
namespace {

using Ice = IceConnectionState;
using Dtls = DtlsTransportState;
using State = PeerConnectionState;

TEST(AggregateState, FollowsTheTableOfTheW3c) {
  EXPECT_EQ(aggregate_state(Ice::New, Dtls::New), State::New);
  EXPECT_EQ(aggregate_state(Ice::Checking, Dtls::New), State::Connecting);
  EXPECT_EQ(aggregate_state(Ice::Connected, Dtls::New), State::Connecting);
  EXPECT_EQ(aggregate_state(Ice::Connected, Dtls::Connecting), State::Connecting);
  EXPECT_EQ(aggregate_state(Ice::Connected, Dtls::Connected), State::Connected);
  EXPECT_EQ(aggregate_state(Ice::Completed, Dtls::Connected), State::Connected);
  EXPECT_EQ(aggregate_state(Ice::Completed, Dtls::Closed), State::Connected);
  EXPECT_EQ(aggregate_state(Ice::Checking, Dtls::Connected), State::Connecting);
  EXPECT_EQ(aggregate_state(Ice::Disconnected, Dtls::Connected), State::Disconnected);
  EXPECT_EQ(aggregate_state(Ice::Failed, Dtls::Connected), State::Failed);
  EXPECT_EQ(aggregate_state(Ice::Connected, Dtls::Failed), State::Failed);
}

}  // namespace
}  // namespace linnet::session
