#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "session/data_channels.hpp"

namespace linnet::session::testing {

using namespace std::chrono_literals;

inline constexpr std::uint32_t control = 50;
inline constexpr std::uint32_t text = 51;
inline constexpr std::uint32_t binary = 53;

inline std::vector<std::byte> bytes_of(std::string_view s) {
  const auto b = as_bytes(s);
  return {b.begin(), b.end()};
}

/// Data channels on one association, and on the other end the bare association of a peer that does what it likes.
class BarePeerTest : public ::testing::Test {
 protected:
  explicit BarePeerTest(DataChannels::Options options = {.max_channels = 10,
                                                         .max_early_messages = 4,
                                                         .max_early_bytes = 1'000},
                        sctp::Options sctp_options = {})
      : ours_(sctp_options, random_), channels_(options, queue_) {}
  void SetUp() override {
    channels_.attach(ours_);
    channels_.set_parity(dcep::Parity::Odd);
    ours_.connect(now_);
    run();
  }

  void run(Duration time = 2s) {
    const TimePoint end = now_ + time;
    while (true) {
      pump();
      const TimePoint next = std::min(ours_.next_timeout(), peer_.next_timeout());
      if (next > end) break;
      now_ = std::max(now_, next);
      if (ours_.next_timeout() <= now_) ours_.handle_timeout(now_);
      if (peer_.next_timeout() <= now_) peer_.handle_timeout(now_);
    }
    now_ = end;
  }
  void pump() {
    for (bool again = true; again;) {
      again = move(ours_, peer_);
      again = move(peer_, ours_) || again;
      handle_events();
      while (const auto event = peer_.poll_event()) {
        if (const auto* e = std::get_if<sctp::IncomingStreamsReset>(&*event)) {
          for (const auto s : e->streams) peer_reset_.push_back(s.value());
        }
      }
    }
  }
  void handle_events() {
    while (const auto event = ours_.poll_event()) channels_.handle(now_, *event);
    while (auto event = queue_.pop()) events_.push_back(std::move(*event));
  }
  bool move(sctp::Association& from, sctp::Association& to) {
    std::array<std::byte, 2'048> room;
    bool any = false;
    while (const std::size_t size = from.poll_packet(now_, room)) {
      any = true;
      to.handle_packet(now_, std::span{room}.first(size));
    }
    return any;
  }
  void peer_sends(std::uint16_t stream, std::uint32_t ppid, std::vector<std::byte> payload, bool unordered = false) {
    ASSERT_TRUE(peer_.send(now_, sctp::StreamId{stream}, sctp::Ppid{ppid}, payload, {.unordered = unordered}));
  }
  void peer_opens(std::uint16_t stream, std::string label = "l") {
    peer_sends(stream, control, dcep::write(dcep::Open{.label = std::move(label)}));
  }
  void peer_resets(std::uint16_t stream) {
    const std::array streams{sctp::StreamId{stream}};
    ASSERT_TRUE(peer_.reset_streams(now_, streams));
  }
  template <class E>
  std::vector<E> all() const {
    std::vector<E> out;
    for (const auto& event : events_) {
      if (const E* e = std::get_if<E>(&event)) out.push_back(*e);
    }
    return out;
  }
  std::optional<std::string> read(ChannelId id) {
    const auto message = channels_.receive(now_, id);
    if (!message) return std::nullopt;
    return std::string{message->text()};
  }
  ChannelId announced(std::size_t i = 0) { return all<Session::DataChannelAnnounced>().at(i).channel; }

  TimePoint now_{};
  SeededGenerator random_{5};
  EventQueue queue_;
  std::vector<Session::Event> events_;
  std::vector<std::uint16_t> peer_reset_;
  sctp::Association ours_;
  sctp::Association peer_{{}, random_};
  DataChannels channels_;
};

}  // namespace linnet::session::testing
