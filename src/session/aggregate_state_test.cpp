#include "session/aggregate_state.hpp"

#include <gmock/gmock.h>

#include "base/bytes.hpp"
#include "session/base64.hpp"

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

TEST(Base64, MatchesTheVectorsOfRfc4648) {
  EXPECT_EQ(base64(as_bytes("")), "");
  EXPECT_EQ(base64(as_bytes("f")), "Zg==");
  EXPECT_EQ(base64(as_bytes("fo")), "Zm8=");
  EXPECT_EQ(base64(as_bytes("foo")), "Zm9v");
  EXPECT_EQ(base64(as_bytes("foobar")), "Zm9vYmFy");
}

}  // namespace
}  // namespace linnet::session
