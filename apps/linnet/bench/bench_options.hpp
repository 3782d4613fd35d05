#pragma once

#include <cstddef>
#include <set>

#include "bench/workload.hpp"

namespace linnet::app::bench {

/// What `linnet bench` measures, and how long.
struct BenchOptions {
  bool local = false;      ///< Both ends on this machine, as two processes over loopback.
  bool other_end = false;  ///< This process is the other end of --local: control lines on standard input and output.
  bool json = false;
  std::set<Workload> only{};       ///< Empty: all that the peer can answer.
  double seconds = 3;              ///< Of each throughput and round-trip run.
  std::size_t setups = 200;        ///< W3: connections, one after the other.
  std::size_t connections = 1000;  ///< W4: idle connections at one time.
  std::size_t channels = 65'534;   ///< W5: channels of one connection.

  [[nodiscard]] bool wants(Workload w) const { return only.empty() || only.contains(w); }
};

}  // namespace linnet::app::bench
