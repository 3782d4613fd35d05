#include "bench/many_channels.hpp"

#include <array>
#include <boost/asio/this_coro.hpp>

namespace linnet::app::bench {
namespace {

constexpr std::array<std::byte, 64> message{};

}  // namespace

void ManyChannels::take(const DataChannel& channel) {
  channel.on_message = [this](const MessageEvent&) {
    ++delivered_;
    look();
  };
  channels_.push_back(channel);
}

void ManyChannels::own(const DataChannel& channel) {
  ++made_;
  channels_.push_back(channel);
  const auto opened = [this, channel] {
    channel.send(message);
    ++opened_;
    look();
  };
  if (channel.ready_state() == DataChannelState::Open) {
    opened();
  } else {
    channel.on_open = opened;
  }
}

void ManyChannels::open(PeerConnection& connection, std::size_t mine, std::size_t theirs) {
  mine_ = mine;
  theirs_ = theirs;
  channels_.reserve(mine + theirs);
  while (made_ < mine) own(connection.create_data_channel("many"));
  started_ = true;
  look();
}

void ManyChannels::look() {
  if (started_ && opened_ >= mine_ && delivered_ >= theirs_) complete_.open();
}

boost::asio::awaitable<bool> ManyChannels::complete(std::chrono::duration<double> limit) {
  return complete_.wait(limit);
}

}  // namespace linnet::app::bench
