#pragma once

#include "bench/link.hpp"
#include "linnet/data_channel.hpp"

namespace linnet::app::bench {

/// A Link over a data channel: one JSON object a text message.
class ChannelLink final : public Link {
 public:
  /// The channel's label.
  static constexpr const char* label = "linnet-bench";

  explicit ChannelLink(DataChannel channel);
  ~ChannelLink() override;

  void send(const boost::json::object& object) override;
  /// The connection under the channel is over.
  void end();

 private:
  DataChannel channel_;
};

}  // namespace linnet::app::bench
