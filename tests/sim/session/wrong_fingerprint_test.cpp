// A peer whose certificate is not the one that its description promised.
#include <gtest/gtest.h>

#include <optional>

#include "sim/session/call.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

void forge(std::string& sdp) {
  constexpr std::string_view attribute = "a=fingerprint:sha-256 ";
  for (std::size_t at = sdp.find(attribute); at != std::string::npos; at = sdp.find(attribute, at + 1)) {
    char& digit = sdp[at + attribute.size()];
    digit = digit == 'A' ? 'B' : 'A';
  }
}

TEST(WrongFingerprint, IsToldToTheOtherSideHoweverTheFirstEnds) {
  enum class Then { Stay, Close, Abort };
  for (const Side liar : {Side::A, Side::B}) {
    for (const Then then : {Then::Stay, Then::Close, Then::Abort}) {
      Call call;
      Meeting& m = call.meeting;
      m.on_description = [&](Side from, SessionDescription& description) {
        if (from == liar) forge(description.sdp);
      };
      std::optional<TimePoint> found;
      m.on_event = [&](Meeting::Peer& peer, Session::Event& event) {
        const auto* state = std::get_if<Session::ConnectionStateChange>(&event);
        if (peer.side == liar || state == nullptr || state->state != PeerConnectionState::Failed) return;
        found = call.now();
        if (then == Then::Close) peer.session->close(call.now());
        if (then == Then::Abort) peer.session->abort(call.now());
      };
      call.begin();
      EXPECT_EQ(m.run_until([&] { return !m.peer(liar).failure.empty(); }, 60s), Stop::Done);
      ASSERT_TRUE(found);
      // A plaintext alert is believed after a while only: anybody may have sent it.
      EXPECT_LE(call.now() - *found, 2s + 2 * Call::latency) << m.describe();
    }
  }
}

}  // namespace
}  // namespace linnet::sim
