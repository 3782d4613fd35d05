#include "ice/server_probe.hpp"

#include <utility>
#include <variant>

#include "stun/message_builder.hpp"

namespace linnet::ice {
namespace {

constexpr auto rto = std::chrono::milliseconds{500};  // RFC 8489 section 6.2.1, with Rc and Rm.
constexpr unsigned max_sends = 7;
constexpr unsigned last_wait = 16;

}  // namespace

ServerProbe::ServerProbe(Server server, Duration limit, Generator& generator)
    : server_(std::move(server)), limit_(limit), generator_(generator) {}

void ServerProbe::start(TimePoint now) {
  advance(now);
  if (std::exchange(started_, true)) return;
  const bool reliable = server_.protocol != Protocol::Udp;
  if (server_.kind == Server::Kind::Turn) {
    client_.emplace(turn::Options{.username = server_.username,
                                  .credential = server_.credential,
                                  .reliable = reliable,
                                  .allocate_timeout = limit_},
                    generator_);
    client_->start(now_);
    return;
  }
  id_ = stun::TransactionId::random(generator_);
  binding_ = StunTransaction{now_, rto, reliable ? 1U : max_sends, last_wait, now_ + limit_};
  binding_due_ = true;
}

void ServerProbe::close(TimePoint now) {
  advance(now);
  started_ = true;
  if (result_.outcome != Outcome::Pending) return;
  result_.outcome = Outcome::NoAnswer;
  if (client_) client_->close(now_);
}

void ServerProbe::heard(const stun::MessageView& message) {
  if (message.message_class() == stun::Class::Request || message.message_class() == stun::Class::Indication) return;
  if (sent_ == 1 && !result_.round_trip) result_.round_trip = now_ - sent_at_;
}

void ServerProbe::handle_packet(TimePoint now, std::span<std::byte> bytes) {
  advance(now);
  if (!started_ || result_.outcome != Outcome::Pending) return;
  if (client_) {
    if (const auto message = stun::MessageView::parse(bytes)) heard(*message);
    (void)client_->handle_packet(now_, bytes);
    return take_events();
  }
  const auto message = stun::MessageView::parse(bytes);
  if (!message || message->transaction_id() != id_ || message->method() != stun::Method::Binding) return;
  if (message->message_class() == stun::Class::Success && message->mapped_address()) {
    heard(*message);
    result_.mapped = message->mapped_address();
    result_.outcome = Outcome::Served;
  } else if (message->message_class() == stun::Class::Error) {
    heard(*message);
    const auto error = message->error_code();
    result_.error_code = error ? error->code : std::uint16_t{500};
    if (error) result_.text = error->reason.substr(0, 128);
    result_.outcome = Outcome::Refused;
  }
}

std::size_t ServerProbe::poll_packet(TimePoint now, std::span<std::byte> out) {
  advance(now);
  std::size_t size = 0;
  if (client_) {
    size = client_->poll_packet(now_, out);
  } else if (std::exchange(binding_due_, false) && result_.outcome == Outcome::Pending) {
    stun::MessageBuilder message{out, stun::Class::Request, stun::Method::Binding, id_};
    size = message.fingerprint().finish();
  }
  if (size != 0 && sent_++ == 0) sent_at_ = now_;
  return size;
}

void ServerProbe::handle_timeout(TimePoint now) {
  advance(now);
  if (!started_ || result_.outcome != Outcome::Pending) return;
  if (client_) {
    client_->handle_timeout(now_);
    return take_events();
  }
  switch (binding_.handle_timeout(now_)) {
    case StunTransaction::Due::Nothing: break;
    case StunTransaction::Due::Resend: binding_due_ = true; break;
    case StunTransaction::Due::GiveUp: result_.outcome = Outcome::NoAnswer; break;
  }
}

TimePoint ServerProbe::next_timeout() const noexcept {
  if (!started_ || result_.outcome != Outcome::Pending) return never;
  return client_ ? client_->next_timeout() : binding_.next_timeout();
}

void ServerProbe::take_events() {
  while (const auto event = client_->poll_event()) {
    if (result_.outcome != Outcome::Pending) continue;
    if (std::holds_alternative<turn::TurnClient::Allocated>(*event)) {
      result_.outcome = Outcome::Served;
      result_.mapped = client_->mapped();
      for (const auto family : {IpAddress::Family::V4, IpAddress::Family::V6})
        if (const auto& relayed = client_->relayed(family)) result_.relayed.push_back(*relayed);
    } else if (const auto* failed = std::get_if<turn::TurnClient::Failed>(&*event)) {
      result_.outcome = failed->code == stun::unreachable ? Outcome::NoAnswer : Outcome::Refused;
      result_.error_code = failed->code == stun::unreachable ? std::uint16_t{0} : failed->code;
      result_.text = failed->text;
    } else if (const auto* alternate = std::get_if<turn::TurnClient::Alternate>(&*event)) {
      result_.outcome = Outcome::Refused;
      result_.error_code = static_cast<std::uint16_t>(stun::ErrorCode::TryAlternate);
      result_.text = "it sends its clients to " + to_string(alternate->server);
    }
  }
  if (result_.outcome == Outcome::Served && client_->state() == turn::TurnClient::State::Allocated)
    client_->close(now_);
}

}  // namespace linnet::ice
