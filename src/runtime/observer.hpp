#pragma once

#include "linnet/core/session.hpp"

namespace linnet::runtime {

/// Who wants to know what happens to a session: the API's connection. Called by the Host on the executor while the
/// session is at rest; may call every verb and may throw.
class Observer {
 public:
  virtual void on_event(Session::Event& event) = 0;
  /// Before the events of each round: do what was put off.
  virtual void on_pump() = 0;

 protected:
  Observer() = default;
  Observer(const Observer&) = default;
  Observer& operator=(const Observer&) = default;
  ~Observer() = default;
};

}  // namespace linnet::runtime
