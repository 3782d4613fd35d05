#include <utility>
#include <variant>

#include "api/channel.hpp"
#include "api/connection.hpp"

// From the session's events to the API's. Every function here may call handlers of the application, which may do
// anything: close this connection, or destroy it (the host holds a reference meanwhile).
namespace linnet::detail {

void Connection::on_event(Session::Event& event) {
  if (closed_) return;
  std::visit([this](auto& e) { handle(e); }, event);
}

// An exception of a handler may leave here at any point: what is not done yet stays in its list.
void Connection::on_pump() {
  for (std::size_t count = to_drain_.size(); count != 0 && !to_drain_.empty(); --count) {
    const auto channel = to_drain_.front().lock();
    to_drain_.pop_front();
    if (channel) channel->drain();
  }
  for (std::size_t i = 0; i < to_write_.size(); ++i)
    if (const auto channel = to_write_[i].lock()) channel->check_writable();
  std::erase_if(to_write_, [](const std::weak_ptr<Channel>& weak) {
    const auto channel = weak.lock();
    return !channel || !channel->still_waits_for_room();
  });
}

void Connection::handle(Session::NegotiationNeeded&) { events_.negotiation_needed.emit(); }
void Connection::handle(Session::SignalingStateChange& e) { events_.signaling_state_change.emit(e.state); }
void Connection::handle(Session::IceGatheringStateChange& e) { events_.ice_gathering_state_change.emit(e.state); }
void Connection::handle(Session::IceConnectionStateChange& e) { events_.ice_connection_state_change.emit(e.state); }
void Connection::handle(Session::ConnectionStateChange& e) { events_.connection_state_change.emit(e.state); }
void Connection::handle(Session::IceCandidateFound& e) { events_.ice_candidate.emit({std::move(e.candidate)}); }
void Connection::handle(Session::IceCandidateError& e) {
  events_.ice_candidate_error.emit({.address = std::move(e.address),
                                    .port = e.port,
                                    .url = std::move(e.url),
                                    .error_code = e.error_code,
                                    .error_text = std::move(e.error_text)});
}
void Connection::handle(Session::SelectedPairChange& e) { events_.selected_candidate_pair_change.emit(e.path); }
void Connection::handle(Session::DtlsStateChange& e) {
  if (e.error) failure_ = std::move(e.error);
  events_.dtls_transport_state_change.emit(e.state);
}
void Connection::handle(Session::SctpStateChange& e) { events_.sctp_transport_state_change.emit(e.state); }

void Connection::handle(Session::DataChannelAnnounced& e) {
  const auto channel = make_channel(e.channel);
  events_.data_channel.emit({DataChannel{channel->handle()}});
}

void Connection::handle(Session::ChannelOpen& e) {
  const auto channel = find(e.channel);
  if (!channel) return;
  channel->events().open.emit();
  channel->events().open.drop_handlers();  // They often hold a handle to this very channel.
}

void Connection::handle(Session::ChannelMessageReady& e) {
  if (const auto channel = find(e.channel)) channel->drain();
}

void Connection::handle(Session::ChannelBufferedAmountLow& e) {
  if (const auto channel = find(e.channel)) channel->events().buffered_amount_low.emit();
}

void Connection::handle(Session::ChannelClosing& e) {
  if (const auto channel = find(e.channel)) channel->events().closing.emit();
}

void Connection::handle(Session::ChannelError& e) {
  if (const auto channel = find(e.channel)) channel->events().error.emit({std::move(e.error)});
}

void Connection::handle(Session::ChannelClosed& e) {
  const auto found = channels_.find(e.channel);
  if (found == channels_.end()) return;
  // It lives on with its handles only; when there are none it ends here, after its last event.
  if (const auto channel = std::exchange(found->second.live, nullptr)) channel->fire_close();
}

}  // namespace linnet::detail
