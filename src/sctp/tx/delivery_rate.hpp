#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "linnet/core/time.hpp"
#include "sctp/tx/ack_result.hpp"
#include "sctp/tx/fragment.hpp"

namespace linnet::sctp {

/// Measures how fast the path delivers (draft-cheng-iccrg-delivery-rate-estimation). Owned by OutstandingData; what
/// it has to remember about a fragment is in the fragment.
class DeliveryRate {
 public:
  /// The fragment goes out; `in_flight` bytes were before it, `bytes` it adds.
  void sent(TimePoint now, Fragment& fragment, std::size_t in_flight, std::size_t bytes) noexcept;
  void acknowledged(TimePoint now, const Fragment& fragment, std::size_t bytes) noexcept;
  /// The application left the path idle while `in_flight` bytes are on their way.
  void limited_by_application(std::size_t in_flight) noexcept { limited_until_ = delivered_ + in_flight + 1; }
  /// What the fragments acknowledged since the last call show. Sooner than any round trip is no measurement.
  [[nodiscard]] std::optional<RateSample> sample(Duration minimum) noexcept;
  [[nodiscard]] std::uint64_t delivered() const noexcept { return delivered_; }

 private:
  std::uint64_t delivered_ = 0;
  std::uint64_t limited_until_ = 0;  // samples are limited by the application until this much is delivered
  TimePoint delivered_at_{};
  TimePoint first_sent_at_{};  // of the window that is being measured
  // The newest fragment acknowledged since the last sample.
  bool any_ = false;
  std::uint64_t prior_delivered_ = 0;
  Duration send_elapsed_{};
  Duration ack_elapsed_{};
  std::size_t in_flight_ = 0;
  bool app_limited_ = false;
};

}  // namespace linnet::sctp
