#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/session/lane.hpp"
#include "sim/session/meeting.hpp"
#include "sim/session/plan.hpp"

namespace linnet::sim {

/// What became of one life.
struct Outcome {
  bool crossable = false;
  bool corrupting = false;  ///< The path flips bits behind UDP's checksum.
  bool connected = false;   ///< Both sides were, at some time.
  bool rebound = false;
  bool whole = false;       ///< Every reliable message arrived that was sent to one who had not closed.
  bool lost_early = false;  ///< Before anyone closed.
  std::string failure;      ///< How a side told that the connection is lost. Empty: it did not.
  std::uint64_t bytes_delivered = 0;
  std::uint64_t steps = 0;
  std::uint64_t digest = 0;  ///< Of every datagram that was sent.
  std::int64_t most_live_bytes = 0;
  Duration time{};
  std::vector<std::string> complaints;  ///< What ought not to be; empty when all is well.
};

/// Two whole sessions on a bad path from creation to their end, as drawn from a seed: connect, transfer, close.
class Life {
 public:
  explicit Life(std::uint64_t seed);
  [[nodiscard]] Outcome run();

 private:
  struct Channel {
    explicit Channel(const ChannelPlan& p)
        : plan(p), lanes{Lane{p.init.ordered, p.reliable()}, Lane{p.init.ordered, p.reliable()}} {}
    const ChannelPlan& plan;
    std::array<Lane, 2> lanes;  ///< By sender.
    std::array<std::optional<ChannelId>, 2> ids;
    std::array<bool, 2> closed_by{};
    std::array<bool, 2> paused{};
    bool opened = false;
  };

  void plug_in();
  void meet();
  void open(std::size_t channel);
  void speak(Side side);
  void speak(Side side, std::size_t channel);
  void say_last_words();
  void read(Side side, ChannelId id);
  void read_late(Side side);
  void on_event(Meeting::Peer& peer, Session::Event& event);
  void watch_memory();

  void transfer();
  void finish();
  void close(Side side);
  void judge();
  [[nodiscard]] bool all_said_and_heard() const;
  [[nodiscard]] bool failed() const;
  [[nodiscard]] Channel* find(Side side, ChannelId id);
  [[nodiscard]] DataChannelMessage message(std::size_t channel, Side sender, std::size_t size);
  [[nodiscard]] TimePoint now() const { return meeting_->now(); }
  void complain(std::string what) { outcome_.complaints.push_back(std::move(what)); }

  std::uint64_t seed_;
  Plan plan_;
  std::int64_t memory_before_;
  SeededGenerator luck_;
  Network network_;
  std::array<Host*, 2> hosts_{};
  std::array<Nat*, 2> nats_{};
  std::unique_ptr<Meeting> meeting_;
  std::vector<Channel> channels_;
  std::array<bool, 2> closed_{};
  std::uint64_t serial_ = 0;
  std::uint64_t step_ = 0;
  Outcome outcome_;
};

}  // namespace linnet::sim
