#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "sim/session/meeting.hpp"

// Candidates gathered before they are needed, W3C RTCConfiguration.iceCandidatePoolSize.
namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

const Endpoint stun_server{.address = IpAddress::v4({192, 0, 2, 53}), .port = 3'478};

/// Two peers behind NATs that need a server-reflexive candidate to meet, and a STUN server that is far away.
class FarServer {
 public:
  explicit FarServer(std::uint8_t pool_size)
      : network_(luck_),
        nats_{&network_.add_nat(IpAddress::v4({198, 51, 100, 1})), &network_.add_nat(IpAddress::v4({198, 51, 100, 2}))},
        meeting(network_, network_.add_host("A", IpAddress::v4({10, 0, 0, 2}), nats_[0]),
                network_.add_host("B", IpAddress::v4({10, 0, 0, 3}), nats_[1]), 1, options(pool_size),
                options(pool_size)) {
    network_.add_stun_server(stun_server, nullptr, {.latency = 300ms});
    meeting.signaling_delay = 20ms;
  }

  /// From the call to an open channel, when the peers have been waiting for it that long.
  [[nodiscard]] Duration time_to_connect(Duration waited) {
    meeting.run_for(waited);
    const TimePoint begin = meeting.now();
    const ChannelId channel = meeting.a.session->create_data_channel(begin, "chat").value();
    const auto open = [&] { return meeting.a.session->ready_state(channel) == DataChannelState::Open; };
    EXPECT_EQ(meeting.run_until(open, 60s), Stop::Done) << meeting.describe();
    return meeting.now() - begin;
  }

 private:
  static Meeting::PeerOptions options(std::uint8_t pool_size) {
    return {.configuration = {.ice_servers = {{.urls = {"stun:" + to_string(stun_server.address)}}},
                              .ice_candidate_pool_size = pool_size},
            .tuning = {}};
  }

  SeededGenerator luck_{1};
  Network network_;
  std::array<Nat*, 2> nats_;

 public:
  Meeting meeting;
};

TEST(CandidatePool, SavesTheWayToTheStunServer) {
  constexpr Duration to_server_and_back = 600ms;
  const Duration without = FarServer{0}.time_to_connect(5s);
  const Duration with = FarServer{1}.time_to_connect(5s);
  EXPECT_GE(without, to_server_and_back);
  EXPECT_LE(with + to_server_and_back, without) << with / 1ms << " ms with a pool, " << without / 1ms << " ms without";
}

TEST(CandidatePool, KeepsTheMappingsOfItsNatAlive) {
  // RFC 8445 section 5.1.1.4; a NAT forgets after two minutes.
  const Duration with = FarServer{1}.time_to_connect(20min);
  const Duration fresh = FarServer{1}.time_to_connect(5s);
  EXPECT_LE(with, fresh + 50ms) << with / 1ms << " ms";
}

}  // namespace
}  // namespace linnet::sim
