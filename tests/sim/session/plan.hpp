#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "linnet/data_channel_init.hpp"
#include "linnet/tuning.hpp"
#include "sim/link.hpp"
#include "sim/nat.hpp"
#include "sim/pair.hpp"

namespace linnet::sim {

/// One data channel of a plan, and what goes over it.
struct ChannelPlan {
  Side opener = Side::A;
  DataChannelInit init;
  Duration opens_at{};
  /// Sizes of the messages that each side sends.
  std::array<std::vector<std::size_t>, 2> messages;
  /// So many messages at a time, then a pause.
  std::size_t burst = 1;
  Duration pause{};
  /// This side closes the channel behind its last message, and opens the successor a while later.
  std::optional<Side> closer;
  std::optional<std::size_t> successor;
  Duration successor_after{};

  [[nodiscard]] bool reliable() const { return !init.max_retransmits && !init.max_packet_life_time; }
};

/// How the end comes.
enum class Ending : std::uint8_t { WhenDone, Early, BothAtOnce };

/// Everything about one life of two sessions on a bad path, drawn from a seed and nothing else.
struct Plan {
  explicit Plan(std::uint64_t seed);

  /// Whether the path can be crossed without a relay, for sure.
  [[nodiscard]] bool is_crossable() const;
  /// In a few words, for one who looks into a failure.
  [[nodiscard]] std::string describe() const;

  LinkOptions near;  ///< The access of A: the hostile one.
  LinkOptions far;   ///< The access of B.
  std::array<std::optional<NatOptions>, 2> nats;
  bool stun = false;
  bool ipv6 = false;
  std::array<Tuning, 2> tuning;
  bool polite_a = true;
  Duration signaling_delay{};
  Duration signaling_jitter{};
  std::vector<ChannelPlan> channels;  ///< The first is reliable and in order, and stays until the end.
  std::array<bool, 2> lazy_reader{};
  std::vector<std::pair<Duration, Side>> ice_restarts;
  std::optional<std::pair<Duration, Side>> rebinding;  ///< Of the NAT on that side.
  Ending ending = Ending::WhenDone;
  Side closer = Side::A;
  Duration closes_at{};                 ///< For Ending::Early, and BothAtOnce.
  std::vector<std::size_t> last_words;  ///< Sent right before close().

 private:
  void draw_path(Generator& random);
  void draw_channels(Generator& random);
  void draw_events(Generator& random);
  [[nodiscard]] std::size_t draw_size(Generator& random);

  std::size_t budget_ = 0;
};

}  // namespace linnet::sim
