#include "ice/agent.hpp"

// Streams to servers, and what is relayed.

namespace linnet::ice {

void Agent::connected(TimePoint now, const Path& path) {
  advance(now);
  static_cast<void>(path);
}

void Agent::disconnected(TimePoint now, const Path& path, std::string_view why) {
  advance(now);
  static_cast<void>(path);
  static_cast<void>(why);
}

}  // namespace linnet::ice
