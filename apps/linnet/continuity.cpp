#include "continuity.hpp"

#include <utility>

namespace linnet::app {

using State = PeerConnectionState;

bool Continuity::lives() const noexcept {
  return was_connected_ && (state_ == State::Connected || state_ == State::Disconnected);
}

Continuity::Step Continuity::became(State state) noexcept {
  state_ = state;
  if (state == State::Connected) was_connected_ = true;
  return lives() && state == State::Disconnected && std::exchange(doubtful_, false) ? Step::RestartIce : Step::Nothing;
}

Continuity::Step Continuity::rejoined(bool unanswered) noexcept {
  // What had no time to connect lost its signals. What has lost its path meanwhile lost those that tell of a new one.
  if (!lives()) return Step::CallAgain;
  if (std::exchange(untold_, false) || unanswered || state_ == State::Disconnected) return Step::RestartIce;
  doubtful_ = true;
  return Step::Nothing;
}

Continuity::Step Continuity::peer_came_back(bool unanswered) noexcept {
  if (!lives()) return Step::Nothing;
  return std::exchange(untold_, false) || unanswered ? Step::RestartIce : Step::Nothing;
}

bool Continuity::outlives(std::string_view reason) const noexcept {
  return (reason == "lost" || reason == "replaced") && lives();
}

}  // namespace linnet::app
