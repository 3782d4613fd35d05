// A peer that uses all stream identifiers there are, rightly or wrongly.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/bytes.hpp"
#include "session/data_channels.hpp"
#include "sim/allocations.hpp"

namespace linnet::session {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t all = 65'535;  // identifiers
constexpr std::uint32_t control = 50;
constexpr std::uint32_t text = 51;

/// Data channels, and on the other end the bare association of a peer that reads and answers nothing.
struct DataChannelsFlood : ::testing::Test {
  TimePoint now{};
  SeededGenerator random{5};
  EventQueue queue;
  sctp::Association ours{{}, random};
  sctp::Association peer{{}, random};
  DataChannels channels{{}, queue};
  std::vector<bool> got = std::vector<bool>(all);  // something of ours on the stream
  std::size_t announced = 0;
  std::size_t opened = 0;
  std::size_t resets = 0;
  std::int64_t before = 0;

  void SetUp() override {
    channels.attach(ours);
    channels.set_parity(dcep::Parity::Odd);
    ours.connect(now);
    run(1s);
    ASSERT_EQ(peer.state(), SctpTransportState::Connected);
    before = sim::live_bytes();
  }
  void run(Duration time) {
    for (const TimePoint end = now + time; true;) {
      pump();
      const TimePoint next = std::min(ours.next_timeout(), peer.next_timeout());
      if (next > end) {
        now = end;
        return;
      }
      now = std::max(now, next);
      if (ours.next_timeout() <= now) ours.handle_timeout(now);
      if (peer.next_timeout() <= now) peer.handle_timeout(now);
    }
  }
  void pump() {
    for (bool again = true; again;) {
      again = move(ours, peer);
      again = move(peer, ours) || again;
      while (const auto event = ours.poll_event()) channels.handle(now, *event);
      while (const auto event = peer.poll_event()) {
        if (const auto* ready = std::get_if<sctp::MessageReady>(&*event)) {
          got[ready->stream.value()] = true;
          while (peer.receive(ready->stream)) {
          }
        } else if (const auto* reset = std::get_if<sctp::IncomingStreamsReset>(&*event)) {
          resets += reset->streams.size();
        }
      }
      while (const auto event = queue.pop()) {
        announced += std::holds_alternative<Session::DataChannelAnnounced>(*event) ? 1U : 0U;
        opened += std::holds_alternative<Session::ChannelOpen>(*event) ? 1U : 0U;
      }
    }
  }
  bool move(sctp::Association& from, sctp::Association& to) {
    std::array<std::byte, 2'048> room;
    bool any = false;
    while (const std::size_t size = from.poll_packet(now, room)) {
      any = true;
      to.handle_packet(now, std::span{room}.first(size));
    }
    return any;
  }
  /// The same on every stream that there is.
  void peer_sends_everywhere(std::uint32_t ppid, std::span<const std::byte> payload, bool unordered = false) {
    for (std::uint32_t id = 0; id < all; ++id) {
      const sctp::StreamId stream{static_cast<std::uint16_t>(id)};
      ASSERT_TRUE(peer.send(now, stream, sctp::Ppid{ppid}, payload, {.unordered = unordered})) << id;
      if (id % 1'000 == 0) run(10ms);
    }
    run(5s);
  }
  [[nodiscard]] std::int64_t grown() const { return sim::live_bytes() - before; }
  [[nodiscard]] bool connected() const {
    return ours.state() == SctpTransportState::Connected && peer.state() == SctpTransportState::Connected;
  }
};

TEST_F(DataChannelsFlood, AnOpenOnEveryIdentifierOpensThoseOfThePeersParityOnly) {
  peer_sends_everywhere(control, dcep::write(dcep::Open{.label = "half open"}));
  EXPECT_EQ(announced, all / 2 + 1) << "the even ones";
  EXPECT_EQ(resets, all / 2) << "the others were refused";
  EXPECT_LT(grown(), std::int64_t{all} * 512) << "in all that both ends have of them";
  EXPECT_TRUE(connected());
  // Another time they are all in use or refused again.
  peer_sends_everywhere(control, dcep::write(dcep::Open{.label = "once more"}));
  EXPECT_LT(grown(), std::int64_t{all} * 512);
  EXPECT_TRUE(connected());
}

TEST_F(DataChannelsFlood, DataOnEveryIdentifierWithoutAnOpenIsKeptToALimit) {
  peer_sends_everywhere(text, as_bytes("who am I?"), true);
  EXPECT_EQ(announced, 0U);
  EXPECT_EQ(resets, all - DataChannels::Options{}.max_early_messages);
  EXPECT_LT(grown(), std::int64_t{16} << 20) << "what streams cost in both associations";
  EXPECT_TRUE(connected());
}

TEST_F(DataChannelsFlood, OpensOfOursThatNobodyAcknowledgesCostLittle) {
  std::vector<ChannelId> made;
  made.reserve(all / 2);
  for (std::uint32_t i = 0; i < all / 2; ++i) {
    made.push_back(channels.create(now, "half open", {}).value());
    if (i % 1'000 == 0) run(10ms);
  }
  run(5s);
  EXPECT_EQ(opened, all / 2);
  EXPECT_EQ(std::ranges::count(got, true), all / 2);
  EXPECT_LT(grown(), std::int64_t{all / 2} * 2'048);
  EXPECT_FALSE(channels.create(now, "one more", {})) << "no identifier is left";
  for (const ChannelId id : made) {
    channels.close_channel(now, id);
    channels.release(id);
  }
  run(5s);
  EXPECT_TRUE(connected());
}

}  // namespace
}  // namespace linnet::session
