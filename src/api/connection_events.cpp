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

void Connection::on_pump() {
  if (closed_) return;
  for (auto& weak : std::exchange(to_drain_, {}))
    if (const auto channel = weak.lock()) channel->drain();
  for (auto& weak : std::exchange(to_write_, {})) {
    const auto channel = weak.lock();
    if (channel && channel->check_writable() && !closed_) to_write_.push_back(std::move(weak));
  }
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
void Connection::handle(Session::DtlsStateChange& e) {
  if (e.error) failure_ = std::move(e.error);
}

void Connection::handle(Session::DataChannelAnnounced& e) {
  const auto channel = make_channel(e.channel);
  events_.data_channel.emit({DataChannel{channel->handle()}});
}

void Connection::handle(Session::ChannelOpen& e) {
  if (const auto channel = find(e.channel)) channel->events().open.emit();
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
  const auto channel = find(e.channel);
  live_.erase(e.channel);
  if (channel) channel->fire_close();
}

}  // namespace linnet::detail
