#include "linnet/data_channel.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/system_executor.hpp>
#include <utility>

#include "api/channel.hpp"

namespace linnet {
namespace {

using detail::Channel;

// An event is a handle into its channel.
template <class... Args>
Event<Args...> event_of(const std::shared_ptr<Channel>& channel, detail::EventState<Args...>& state) {
  return Event<Args...>{std::shared_ptr<detail::EventState<Args...>>{channel, &state}};
}

}  // namespace

DataChannel::DataChannel(std::shared_ptr<Channel> impl)
    : on_open(event_of(impl->shared_from_this(), impl->events().open)),
      on_message(event_of(impl->shared_from_this(), impl->events().message)),
      on_buffered_amount_low(event_of(impl->shared_from_this(), impl->events().buffered_amount_low)),
      on_error(event_of(impl->shared_from_this(), impl->events().error)),
      on_closing(event_of(impl->shared_from_this(), impl->events().closing)),
      on_close(event_of(impl->shared_from_this(), impl->events().close)),
      impl_(std::move(impl)) {}

std::string DataChannel::label() const { return impl_ ? impl_->label() : std::string{}; }
bool DataChannel::ordered() const { return !impl_ || impl_->init().ordered; }
std::optional<std::uint16_t> DataChannel::max_packet_life_time() const {
  return impl_ ? impl_->init().max_packet_life_time : std::nullopt;
}
std::optional<std::uint16_t> DataChannel::max_retransmits() const {
  return impl_ ? impl_->init().max_retransmits : std::nullopt;
}
std::string DataChannel::protocol() const { return impl_ ? impl_->protocol() : std::string{}; }
bool DataChannel::negotiated() const { return impl_ && impl_->init().negotiated; }
std::optional<std::uint16_t> DataChannel::id() const { return impl_ ? impl_->id() : std::nullopt; }
Priority DataChannel::priority() const { return impl_ ? impl_->init().priority : Priority::Low; }
DataChannelState DataChannel::ready_state() const { return impl_ ? impl_->ready_state() : DataChannelState::Closed; }
std::size_t DataChannel::buffered_amount() const { return impl_ ? impl_->buffered_amount() : 0; }
std::size_t DataChannel::buffered_amount_low_threshold() const {
  return impl_ ? impl_->buffered_amount_low_threshold() : 0;
}
void DataChannel::set_buffered_amount_low_threshold(std::size_t bytes) const {
  if (impl_) impl_->set_buffered_amount_low_threshold(bytes);
}

void DataChannel::send(std::string_view text) const {
  if (!impl_) throw Exception{{.name = ErrorName::InvalidStateError, .message = "an empty data channel handle"}};
  impl_->send(text);
}
void DataChannel::send(std::span<const std::byte> data) const {
  if (!impl_) throw Exception{{.name = ErrorName::InvalidStateError, .message = "an empty data channel handle"}};
  impl_->send(data);
}
void DataChannel::close() const {
  if (impl_) impl_->close();
}

Executor DataChannel::executor_of(const std::shared_ptr<Channel>& channel) {
  return channel ? channel->executor() : Executor{boost::asio::system_executor{}};
}

std::function<void()> DataChannel::start_receive(const std::shared_ptr<Channel>& channel,
                                                 detail::Completion<std::optional<MessageEvent>> completion) {
  if (!channel) {
    boost::asio::post(executor_of(channel), [done = std::move(completion)]() mutable { done(nullptr, std::nullopt); });
    return [] {};
  }
  const auto id = std::make_shared<std::uint64_t>(0);
  boost::asio::dispatch(channel->executor(), [channel, id, done = std::move(completion)]() mutable {
    *id = channel->receive(std::move(done));
  });
  return [weak = std::weak_ptr{channel}, id] {
    if (const auto alive = weak.lock())
      boost::asio::dispatch(alive->executor(), [alive, id] { alive->cancel_receive(*id); });
  };
}

std::function<void()> DataChannel::start_writable(const std::shared_ptr<Channel>& channel,
                                                  detail::Completion<> completion) {
  if (!channel) {
    boost::asio::post(executor_of(channel),
                      [done = std::move(completion)]() mutable { done(detail::closed_exception()); });
    return [] {};
  }
  const auto id = std::make_shared<std::uint64_t>(0);
  boost::asio::dispatch(channel->executor(), [channel, id, done = std::move(completion)]() mutable {
    *id = channel->writable(std::move(done));
  });
  return [weak = std::weak_ptr{channel}, id] {
    if (const auto alive = weak.lock())
      boost::asio::dispatch(alive->executor(), [alive, id] { alive->cancel_writable(*id); });
  };
}

}  // namespace linnet
