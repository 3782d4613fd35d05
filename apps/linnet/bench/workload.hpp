#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>

namespace linnet::app::bench {

/// What is measured, by the names of the performance targets.
enum class Workload : std::uint8_t {
  Throughput,    ///< w1
  RoundTrip,     ///< w2
  SetUp,         ///< w3
  IdleMemory,    ///< w4
  ManyChannels,  ///< w5
};

/// "w1,w3" in any case, without repetition; nothing for anything else.
[[nodiscard]] std::optional<std::set<Workload>> parse_workloads(std::string_view text);

}  // namespace linnet::app::bench
