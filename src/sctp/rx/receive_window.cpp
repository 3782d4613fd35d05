#include "sctp/rx/receive_window.hpp"

#include <algorithm>
#include <utility>

namespace linnet::sctp {
namespace {

constexpr std::size_t round_trips = 8;
constexpr Duration rest = std::chrono::seconds{10};
/// For a path whose round trip nobody measured yet.
constexpr Duration usual_round_trip = std::chrono::milliseconds{100};

}  // namespace

void ReceiveWindow::measured(Duration round_trip) noexcept {
  if (round_trip <= Duration::zero()) return;
  round_trip_ = round_trip_ == Duration::zero() ? round_trip : std::min(round_trip_, round_trip);
}

void ReceiveWindow::arrived(TimePoint now) noexcept {
  if (now - arrived_at_ > rest) {
    accepted_ = std::exchange(size_, initial_);
    since_ = now;
    pulled_ = 0;
  }
  arrived_at_ = std::max(arrived_at_, now);
}

void ReceiveWindow::pulled(TimePoint now, std::size_t bytes) noexcept {
  pulled_ += bytes;
  const Duration round_trip = round_trip_ == Duration::zero() ? usual_round_trip : round_trip_;
  const Duration elapsed = now - since_;
  if (elapsed < round_trip) return;
  const double share = static_cast<double>(round_trip.count()) / static_cast<double>(elapsed.count());
  const auto wanted = static_cast<std::size_t>(static_cast<double>(round_trips * pulled_) * share);
  size_ = std::max(size_, std::min(wanted, most_));
  accepted_ = std::max(accepted_, size_);
  since_ = now;
  pulled_ = 0;
}

}  // namespace linnet::sctp
