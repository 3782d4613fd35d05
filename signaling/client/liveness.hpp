#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace linnet::signaling {

/// How long silence of the server is believed to mean nothing. One for the connection that there is, or the try to make
/// one. Owned by the client, which asks it with each frame, with each change of this machine's network, and at
/// `deadline`. Reads no clock, sends nothing.
class Liveness {
 public:
  using Clock = std::chrono::steady_clock;
  using TimePoint = Clock::time_point;
  struct Limits {
    std::chrono::milliseconds connect{10'000};  ///< From the first packet to `ready`.
    std::chrono::milliseconds idle{45'000};     ///< Between two frames.
    std::chrono::milliseconds answer{3'000};    ///< To a question, or of a try that a change of the network met.
  };
  enum class Advice : std::uint8_t {
    Nothing,
    Ask,     ///< Send a ping: whatever comes then is an answer.
    GiveUp,  ///< The connection is dead.
  };

  explicit Liveness(Limits limits) : limits_(limits) {}

  /// A try to connect begins.
  void begin(TimePoint now) noexcept;
  /// A frame has come: the first, which is `ready`, or another.
  [[nodiscard]] Advice heard(TimePoint now) noexcept;
  /// Something about this machine's network is different; `address_gone`: it has not got the socket's address, or that
  /// leads nowhere.
  [[nodiscard]] Advice network_changed(TimePoint now, bool address_gone) noexcept;
  [[nodiscard]] Advice at(TimePoint now) const noexcept { return now >= deadline() ? Advice::GiveUp : Advice::Nothing; }

  [[nodiscard]] TimePoint deadline() const noexcept {
    return asked_ ? std::min(answer_by_, silent_until_) : silent_until_;
  }

 private:
  Limits limits_;
  TimePoint silent_until_{};
  TimePoint answer_by_{};
  bool open_ = false;
  bool asked_ = false;
  bool ask_again_ = false;  ///< The network changed after the question: its answer tells nothing of now.
};

}  // namespace linnet::signaling
