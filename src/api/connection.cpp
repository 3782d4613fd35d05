#include "api/connection.hpp"

#include <utility>

#include "api/channel.hpp"
#include "io/clock.hpp"

namespace linnet::detail {

std::shared_ptr<Connection> Connection::create(Executor executor, Configuration configuration, const Tuning& tuning) {
  auto host = runtime::Host::create(std::move(executor), std::move(configuration), tuning);
  if (!host) throw Exception{std::move(host).error()};
  auto out = std::make_shared<Connection>(*host);
  (*host)->observe(out);
  // A pool of candidates is gathered before anybody calls.
  if (out->session().get_configuration().ice_candidate_pool_size > 0) out->wake();
  return out;
}

Connection::Connection(std::shared_ptr<runtime::Host> host)
    : host_(std::move(host)), executor_(std::make_shared<const Executor>(host_->executor())), events_(*this) {}

Connection::~Connection() { close(); }

std::shared_ptr<Channel> Connection::create_data_channel(std::string_view label, const DataChannelInit& init) {
  const auto entered = enter();
  auto id = session().create_data_channel(io::SteadyClock::now(), label, init);
  if (!id) throw Exception{std::move(id).error()};
  wake();
  return make_channel(*id)->handle();
}

void Connection::close() {
  if (closed_) return;
  const auto entered = enter();
  closed_ = true;
  close_events();
  // W3C close(): channels are closed abruptly, without events.
  // All are held first: with a channel's handlers go their captures, which may be the last handle to another.
  std::vector<std::shared_ptr<Channel>> channels;
  channels.reserve(channels_.size());
  for (const auto& [id, entry] : channels_)
    if (auto channel = entry.channel->weak_from_this().lock()) channels.push_back(std::move(channel));
  channels_.clear();
  for (const auto& channel : channels) channel->detach();
  to_drain_.clear();
  to_write_.clear();
  session().close(io::SteadyClock::now());
  wake();
}

void Connection::close_events() {
  events_.connection_state_change.close();
  events_.negotiation_needed.close();
  events_.ice_candidate.close();
  events_.ice_candidate_error.close();
  events_.data_channel.close();
  events_.track.close();
  events_.signaling_state_change.close();
  events_.ice_connection_state_change.close();
  events_.ice_gathering_state_change.close();
  events_.selected_candidate_pair_change.close();
  events_.dtls_transport_state_change.close();
  events_.sctp_transport_state_change.close();
}

std::shared_ptr<Channel> Connection::make_channel(ChannelId id) {
  auto channel = std::make_shared<Channel>(*this, id);
  channels_.insert_or_assign(id, Entry{.channel = channel.get(), .live = channel});
  return channel;
}

std::shared_ptr<Channel> Connection::find(ChannelId id) const {
  const auto found = channels_.find(id);
  return found == channels_.end() ? nullptr : found->second.channel->weak_from_this().lock();
}

void Connection::forget(ChannelId id) {
  const auto entered = enter();
  channels_.erase(id);
  if (closed_) return;
  session().release_channel(id);
  wake();
}

void Connection::request_drain(std::weak_ptr<Channel> channel) {
  to_drain_.push_back(std::move(channel));
  wake();
}

void Connection::watch_writable(std::weak_ptr<Channel> channel) {
  to_write_.push_back(std::move(channel));
  wake();
}

}  // namespace linnet::detail
