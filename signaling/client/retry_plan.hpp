#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "linnet/core/generator.hpp"

namespace linnet::signaling {

/// When to connect again: 0, 0.3, 1.2, 2.7, 4.8, 7, 7 ... seconds after a try that came to nothing, each up to a fifth
/// longer or shorter, so that the peers of a server that came back do not arrive all at once. Owned by the client.
/// Reads no clock.
class RetryPlan {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit RetryPlan(Generator& generator) : generator_(generator) {}

  /// A try begins.
  void begin(TimePoint now) noexcept { tried_at_ = now; }
  /// `ready` was received.
  void opened(TimePoint now) noexcept { opened_at_ = now; }
  /// The connection broke, or the try failed.
  void lost(TimePoint now);
  /// The server wants no try before `then`.
  void postpone(TimePoint then) noexcept { not_before_ = then; }
  /// What was out of reach may not be any more, and the next pauses are short again.
  void network_changed(TimePoint now) noexcept;

  /// When the next try is due; of use between two tries.
  [[nodiscard]] TimePoint due() const noexcept { return due_; }

 private:
  [[nodiscard]] std::chrono::milliseconds pause();

  Generator& generator_;
  std::uint64_t tries_ = 0;  ///< Since the pauses began anew.
  TimePoint tried_at_{};
  TimePoint opened_at_ = TimePoint::max();  ///< max: not open.
  TimePoint not_before_{};
  TimePoint due_{};
};

}  // namespace linnet::signaling
