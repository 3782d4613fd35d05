#pragma once

#include <string_view>

#include "linnet/states.hpp"

namespace linnet::app {

/// What becomes of the connection to one peer while either side's signaling comes and goes, as on a machine that
/// changes networks: what flows between peers does not end because signaling did. One for each peer in a meeting, which
/// tells it what happens and does what it says.
class Continuity {
 public:
  enum class Step {
    Nothing,
    RestartIce,  ///< With an offer anew, if one waits for its answer.
    CallAgain,   ///< Give the connection up, and make another one.
  };

  /// The connection's state has changed.
  [[nodiscard]] Step became(PeerConnectionState state) noexcept;
  /// A signal to the peer was lost: there was no server, or the peer was not there.
  void not_told() noexcept { untold_ = true; }
  /// We are in the room again, and the peer is there. `unanswered`: an offer of ours waits for its answer.
  [[nodiscard]] Step rejoined(bool unanswered) noexcept;
  /// The peer has come to the room, whom we know from before.
  [[nodiscard]] Step peer_came_back(bool unanswered) noexcept;
  /// Whether the connection goes on although the peer left the room, for `reason` (signaling/protocol.md). It tells
  /// itself when it is over: the peer may only have lost the server.
  [[nodiscard]] bool outlives(std::string_view reason) const noexcept;

 private:
  /// It was there and is not over. Interrupted it may come back; ICE has the last word on that.
  [[nodiscard]] bool lives() const noexcept;

  PeerConnectionState state_ = PeerConnectionState::New;
  bool was_connected_ = false;
  bool untold_ = false;
  bool doubtful_ = false;  ///< Signaling broke, and the connection did not, or has not noticed yet.
};

}  // namespace linnet::app
