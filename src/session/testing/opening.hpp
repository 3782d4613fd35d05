#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "session/testing/rig.hpp"

namespace linnet::session::testing {

/// Both ways of a path that is `latency` long at `a`'s end.
inline Duration round_trip(Duration latency) { return 2 * (latency + sim::LinkOptions{}.latency); }

/// How long a set-up took, from the answer on.
struct Opening {
  std::optional<Duration> open{};     ///< The channel is open where it was made.
  std::optional<Duration> heard{};    ///< The other side knows it.
  std::optional<Duration> message{};  ///< The other side has a message that was sent when it opened.
};

inline Opening set_up(Duration latency, const Tuning& of_a, const Tuning& of_b, bool from_b = false) {
  Rig rig{7, {.latency = latency}, of_a, of_b};
  Peer& offerer = from_b ? rig.b : rig.a;
  Peer& answerer = from_b ? rig.a : rig.b;
  const ChannelId id = offerer.session->create_data_channel(rig.now(), "fast").value();
  const TimePoint begin = rig.now();
  rig.negotiate(offerer, answerer);
  Opening out;
  (void)rig.run_until(
      [&] {
        if (!out.open && offerer.open(id)) {
          out.open = rig.now() - begin;
          EXPECT_TRUE(offerer.session->send(rig.now(), id, "first"));
          rig.pump();
        }
        if (!out.heard && !answerer.announced.empty()) out.heard = rig.now() - begin;
        if (!out.message && !answerer.received.empty()) out.message = rig.now() - begin;
        return out.open && out.heard && out.message;
      },
      10s);
  return out;
}

}  // namespace linnet::session::testing
