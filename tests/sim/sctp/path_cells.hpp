#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sim/sctp/contest.hpp"

namespace linnet::sim {

/// The grid of paths on which congestion control is measured: each bottleneck with each round trip and each loss.
/// `bench_paths` draws it, `path_floors.hpp` holds each of its cells to a number.
struct PathCell {
  struct Loss {
    std::string_view name;
    double share = 0;
    double burst = 0;  ///< As in Trial.
  };
  static constexpr std::array rates{1, 10, 100, 1'000};          // Mbit/s
  static constexpr std::array round_trips{1, 20, 50, 100, 300};  // ms
  static constexpr std::array losses{Loss{"0", 0, 0},       Loss{"0.1 %", 0.001, 0},   Loss{"1 %", 0.01, 0},
                                     Loss{"5 %", 0.05, 0},  Loss{"0.1 % b", 0.001, 8}, Loss{"1 % b", 0.01, 8},
                                     Loss{"5 % b", 0.05, 8}};
  /// What 1,500 bytes of IP leave to SCTP, which path MTU discovery finds.
  static constexpr std::size_t mtu = 1'415;

  int mbps = 10;
  int rtt_ms = 20;
  Loss loss;

  [[nodiscard]] static sctp::Options with(CongestionAlgorithm algorithm, bool tolerate = true) {
    sctp::Options options;
    options.mtu = mtu;
    options.congestion_algorithm = algorithm;
    options.tolerate_random_loss = tolerate;
    return options;
  }
  [[nodiscard]] Duration rtt() const { return std::chrono::milliseconds{rtt_ms}; }
  /// As long as the path needs to show what it does; the faster it is, the more packets that are.
  [[nodiscard]] Trial trial(const std::optional<sctp::Options>& flow, std::uint64_t seed = 7) const {
    using namespace std::chrono_literals;
    Trial trial{.path = {.mbps = static_cast<double>(mbps), .rtt = rtt(), .loss = loss.share},
                .burst = loss.burst,
                .flows = {flow},
                .seed = seed};
    const bool fast = mbps == 1'000;
    trial.warm_up = std::max<Duration>((fast ? 20 : 40) * rtt(), fast ? 3s : 4s);
    trial.measured = std::max<Duration>((fast ? 4 : 10) * rtt(), fast ? 500ms : mbps == 100 ? 4s : 20s);
    return trial;
  }
};

}  // namespace linnet::sim
