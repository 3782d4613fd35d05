#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "linnet/core/session.hpp"

namespace linnet::sim {

/// What went into one direction of a data channel and what came out of it.
class Lane {
 public:
  Lane(bool ordered, bool reliable) noexcept : ordered_(ordered), reliable_(reliable) {}

  void sent(DataChannelMessage message) {
    sent_.push_back(std::move(message));
    arrived_.push_back(false);
  }
  /// False when such a message was never sent, or arrived before, or is out of order.
  [[nodiscard]] bool received(const DataChannelMessage& message) {
    for (std::size_t i = ordered_ ? next_ : 0; i < sent_.size(); ++i) {
      if (!arrived_[i] && sent_[i] == message) {
        arrived_[i] = true;
        next_ = i + 1;
        ++received_;
        return true;
      }
      if (ordered_ && reliable_) return false;
    }
    return false;
  }

  [[nodiscard]] std::size_t messages_sent() const noexcept { return sent_.size(); }
  [[nodiscard]] std::size_t messages_received() const noexcept { return received_; }
  [[nodiscard]] bool whole() const noexcept { return received_ == sent_.size(); }
  [[nodiscard]] bool reliable() const noexcept { return reliable_; }
  [[nodiscard]] std::string describe() const {
    return std::to_string(received_) + " of " + std::to_string(sent_.size()) + " messages";
  }

 private:
  bool ordered_;
  bool reliable_;
  std::vector<DataChannelMessage> sent_;
  std::vector<bool> arrived_;
  std::size_t next_ = 0;
  std::size_t received_ = 0;
};

}  // namespace linnet::sim
