#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/bounded_log.hpp"
#include "linnet/core/trace.hpp"

namespace linnet {

/// Where the machines of one session record what happens. There is none while nothing is traced: a machine has a null
/// pointer then, whose test is all that it costs. The session owns it, tells it the time with each input, and reads it.
class TraceBuffer {
 public:
  explicit TraceBuffer(std::size_t limit) noexcept : log_(limit) {}

  void advance(TimePoint now) noexcept { now_ = std::max(now_, now); }
  void add(trace::Event event) { log_.add({.at = now_, .event = std::move(event)}); }
  /// What was dropped is told where the gap is.
  [[nodiscard]] std::optional<trace::Record> poll() {
    if (auto record = log_.poll()) return record;
    const std::uint64_t dropped = log_.take_dropped();
    if (dropped == 0) return std::nullopt;
    return trace::Record{.at = now_, .event = trace::RecordsDropped{dropped}};
  }

 private:
  TimePoint now_{};
  BoundedLog<trace::Record> log_;
};

/// Lines of a key log (the format of NSS's SSLKEYLOGFILE), of which a connection has one for each DTLS handshake.
using KeyLog = BoundedLog<std::string>;

}  // namespace linnet
