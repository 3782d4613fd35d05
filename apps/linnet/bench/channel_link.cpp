#include "bench/channel_link.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <string>
#include <utility>

#include "linnet/exception.hpp"

namespace linnet::app::bench {

ChannelLink::ChannelLink(DataChannel channel) : channel_(std::move(channel)) {
  channel_.on_message = [this](const MessageEvent& message) {
    boost::system::error_code error;
    auto value = boost::json::parse(std::string{message.text()}, error);
    if (!error && value.is_object() && on_object) on_object(std::move(value.get_object()));
  };
  channel_.on_close = [this] { end(); };
}

ChannelLink::~ChannelLink() {
  channel_.on_message = nullptr;
  channel_.on_close = nullptr;
}

void ChannelLink::send(const boost::json::object& object) {
  try {
    channel_.send(boost::json::serialize(object));
  } catch (const Exception&) {
    // It is closing: on_end tells.
  }
}

void ChannelLink::end() {
  if (on_end) on_end();
}

}  // namespace linnet::app::bench
