#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <utility>
#include <vector>

#include "sctp/tx/outstanding_data.hpp"

namespace linnet::sctp::testing {

using namespace std::chrono_literals;
constexpr TimePoint start{1s};
/// Of a fragment that `Outstanding::send` makes.
constexpr std::size_t whole = 100 + data_header_size;

/// What is outstanding, with the test in the places of the application, the clock and the peer. TSNs are told as
/// distances from the one before the first; they wrap after two. For the tests of this module only.
struct Outstanding : ::testing::Test {
  MessagePool pool;
  SendQueue queue{pool};
  OutstandingData data{Tsn{0xFFFFFFFE}, true, queue};
  std::vector<std::byte> gaps;
  std::vector<std::byte> repeated;

  static Tsn tsn(int ahead) { return Tsn{0xFFFFFFFD} + static_cast<std::uint32_t>(ahead); }
  void queue_message(std::size_t size, SendOptions options = {}) {
    queue.add(start, StreamId{1}, Ppid{51}, std::vector<std::byte>(size), options);
  }
  /// Each in a packet of its own.
  void send(int fragments, TimePoint now = start) {
    for (int i = 0; i < fragments; ++i) {
      data.begin_packet();
      (void)data.send(now, *queue.peek(now, 100));
    }
  }
  /// Sends again what is lost; how many fragments that were.
  int resend(TimePoint now) {
    int count = 0;
    while (const auto again = data.peek_lost(now)) {
      data.begin_packet();
      data.resend(now, *again);
      ++count;
    }
    return count;
  }
  AckResult sack(int cumulative, std::initializer_list<std::pair<int, int>> blocks = {}) {
    return sack(start + 10ms, cumulative, blocks);
  }
  AckResult sack(TimePoint now, int cumulative, std::initializer_list<std::pair<int, int>> blocks = {},
                 std::initializer_list<int> duplicates = {}) {
    gaps.assign(blocks.size() * 4, {});
    std::size_t at = 0;
    for (const auto& [first, last] : blocks) {
      store_be(gaps.data() + at, static_cast<std::uint16_t>(first));
      store_be(gaps.data() + at + 2, static_cast<std::uint16_t>(last));
      at += 4;
    }
    repeated.assign(duplicates.size() * 4, {});
    at = 0;
    for (const int duplicate : duplicates) {
      store_be(repeated.data() + at, tsn(duplicate).value());
      at += 4;
    }
    const SackChunk chunk{.cumulative = tsn(cumulative),
                          .gap_count = static_cast<std::uint16_t>(blocks.size()),
                          .duplicate_count = static_cast<std::uint16_t>(duplicates.size()),
                          .gap_bytes = gaps,
                          .duplicate_bytes = repeated};
    return data.handle_sack(now, chunk, 10ms);
  }
};

}  // namespace linnet::sctp::testing
