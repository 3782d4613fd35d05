#pragma once

#include <boost/json/object.hpp>
#include <functional>

namespace linnet::app::bench {

/// Carries JSON objects, in order, between the two ends of a bench: what they tell each other about the runs, and the
/// signaling of the connections that they measure. Owned by a command; lives on one executor.
class Link {
 public:
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  virtual ~Link() = default;

  virtual void send(const boost::json::object& object) = 0;

  std::function<void(boost::json::object)> on_object;
  /// The other end is gone; the last call.
  std::function<void()> on_end;
};

}  // namespace linnet::app::bench
