#include "ice/turn/turn_client.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "base/bytes.hpp"
#include "base/machine.hpp"
#include "ice/turn/channel_data.hpp"
#include "stun/message_builder.hpp"

namespace linnet::ice::turn {

static_assert(PipeMachine<TurnClient>);

namespace {

/// Header, XOR-PEER-ADDRESS and the beginning of DATA of a Send indication.
constexpr std::size_t send_header(const Endpoint& peer) noexcept {
  return stun::header_size + 4 + (peer.address.is_v4() ? 8 : 20) + 4;
}
constexpr std::size_t padding(std::size_t size) noexcept { return (4 - size % 4) % 4; }

}  // namespace

TurnClient::TurnClient(Options options, Generator& generator)
    : options_(std::move(options)),
      generator_(generator),
      credential_(options_.username, options_.credential),
      next_channel_(first_channel) {}

void TurnClient::rearm() noexcept {
  next_ = std::min({refresh_at_, expires_at_, keepalive_at_});
  for (const Transaction& t : transactions_) next_ = std::min(next_, t.timing.next_timeout());
  for (const Permission& p : permissions_) next_ = std::min(next_, p.refresh_at);
  for (const Channel& c : channels_) next_ = std::min({next_, c.refresh_at, c.expires_at});
}

void TurnClient::queue(std::vector<std::byte> packet) {
  if (packet.empty()) return;
  if (outgoing_.size() >= options_.max_packets) {
    outgoing_.pop_front();
    ++statistics_.limits_hit;
  }
  outgoing_.push_back(std::move(packet));
}

void TurnClient::give_up(std::uint16_t code, std::string text) {
  state_ = State::Over;
  transactions_.clear();
  permissions_.clear();
  channels_.clear();
  outgoing_.clear();
  refresh_at_ = expires_at_ = keepalive_at_ = never;
  events_.push_back(Failed{code, std::move(text)});
}

// --- Verbs -----------------------------------------------------------------------------------------------------

void TurnClient::start(TimePoint now) {
  advance(now);
  if (state_ != State::New) return;
  state_ = State::Allocating;
  give_up_at_ = now_ + options_.allocate_timeout;
  send({.method = stun::Method::Allocate});
  rearm();
}

void TurnClient::refresh(TimePoint now) {
  advance(now);
  if (state_ != State::Allocated) return;
  // What the server forbade is asked again when somebody wants it again.
  std::erase_if(permissions_, [](const Permission& p) { return p.state == Permission::State::Refused; });
  if (refreshing_) return;
  refresh_at_ = never;
  refreshing_ = true;
  send({.method = stun::Method::Refresh});
  rearm();
}

void TurnClient::probe(TimePoint now) {
  advance(now);
  if (state_ != State::Allocated) return;
  if (!refreshing_) {
    refresh_at_ = never;
    refreshing_ = true;
    send({.method = stun::Method::Refresh}, options_.reliable ? now_ + options_.probe_timeout : never);
    return rearm();
  }
  if (options_.reliable) return;
  for (const Transaction& t : transactions_) {
    if (t.request.method == stun::Method::Refresh) queue(t.message);
  }
}

bool TurnClient::permit(TimePoint now, const IpAddress& peer) {
  advance(now);
  if (state_ != State::Allocated || !relayed(peer.family())) return true;
  if (std::ranges::find(permissions_, peer, &Permission::peer) != permissions_.end()) return true;
  if (permissions_.size() >= options_.max_permissions) {
    ++statistics_.limits_hit;
    return false;
  }
  permissions_.push_back({.peer = peer});
  send({.method = stun::Method::CreatePermission, .peer = {peer, 0}});
  rearm();
  return true;
}

void TurnClient::bind(TimePoint now, const Endpoint& peer) {
  if (!permit(now, peer.address)) return;
  if (state_ != State::Allocated || !is_permitted(peer.address)) return;
  const auto known = std::ranges::find(channels_, peer, &Channel::peer);
  if (known != channels_.end()) {
    if (!std::exchange(known->wanted, true)) known->refresh_at = now_;
    return rearm();
  }
  if (channels_.size() >= options_.max_channels) {
    ++statistics_.limits_hit;
    return;
  }
  // RFC 8656 section 12: a number names no other peer for five minutes after it ran out; they come round after 4,096.
  const std::uint16_t number = next_channel_;
  next_channel_ = number == last_channel ? first_channel : static_cast<std::uint16_t>(number + 1);
  channels_.push_back({.peer = peer, .number = number});
  send({.method = stun::Method::ChannelBind, .peer = peer, .channel = number});
  rearm();
}

void TurnClient::release(TimePoint now, std::span<const Endpoint> but) {
  advance(now);
  const auto kept = [&](const IpAddress& address) {
    return std::ranges::find(but, address, &Endpoint::address) != but.end();
  };
  std::erase_if(permissions_, [&](const Permission& p) { return !kept(p.peer); });
  std::erase_if(transactions_, [&](const Transaction& t) {
    return t.request.method == stun::Method::CreatePermission && !kept(t.request.peer.address);
  });
  for (Channel& channel : channels_) {
    // The server knows it until it runs out, and so do we: its number cannot be another peer's.
    channel.wanted = std::ranges::find(but, channel.peer) != but.end();
    if (channel.wanted) continue;
    channel.refresh_at = never;
    if (!channel.bound) channel.expires_at = now_;
  }
  rearm();
}

void TurnClient::close(TimePoint now) {
  advance(now);
  const bool has_one = std::exchange(owes_goodbye_, false) || state_ == State::Allocated ||
                       (state_ == State::Allocating && credential_.ready());
  state_ = State::Over;
  outgoing_.clear();
  // RFC 8656 section 8: once, and nobody waits for the answer. If it is lost the allocation runs out by itself.
  if (has_one)
    queue(encode({.method = stun::Method::Refresh, .gives_back = true}, stun::TransactionId::random(generator_)));
  transactions_.clear();
  permissions_.clear();
  channels_.clear();
  events_.clear();
  refresh_at_ = expires_at_ = keepalive_at_ = next_ = never;
}

// --- The machine -----------------------------------------------------------------------------------------------

std::optional<TurnClient::Data> TurnClient::handle_packet(TimePoint now, std::span<std::byte> bytes) {
  advance(now);
  if (state_ == State::Over || state_ == State::New) return std::nullopt;
  if (is_channel_data(bytes)) return take_channel_data(bytes);
  const auto message = stun::MessageView::parse(bytes);
  if (!message) {
    ++statistics_.malformed;
    return std::nullopt;
  }
  switch (message->message_class()) {
    case stun::Class::Indication: return take_data(bytes, *message);
    case stun::Class::Request: ++statistics_.unexpected; break;
    case stun::Class::Success:
    case stun::Class::Error:
      if (message->has_fingerprint() && !message->verify_fingerprint()) {
        ++statistics_.malformed;
        break;
      }
      handle_answer(*message);
      rearm();
      break;
  }
  return std::nullopt;
}

std::optional<TurnClient::Data> TurnClient::take_channel_data(std::span<std::byte> bytes) {
  const auto read = read_channel_data(bytes);
  if (!read) {
    ++statistics_.malformed;
    return std::nullopt;
  }
  const auto channel = std::ranges::find(channels_, read->channel, &Channel::number);
  if (channel == channels_.end()) {
    ++statistics_.unexpected;
    return std::nullopt;
  }
  return Data{channel->peer, read->data};
}

std::optional<TurnClient::Data> TurnClient::take_data(std::span<std::byte> bytes, const stun::MessageView& message) {
  // RFC 8656 section 11.4. An indication with ICMP has no DATA: the peer's checks will tell.
  if (message.method() != stun::Method::Data) {
    ++statistics_.unexpected;
    return std::nullopt;
  }
  const auto peer = message.xor_address(stun::AttributeType::XorPeerAddress);
  const auto data = message.find(stun::AttributeType::Data);
  if (!peer || !data) {
    ++statistics_.malformed;
    return std::nullopt;
  }
  if (!is_permitted(peer->address)) {
    ++statistics_.unexpected;
    return std::nullopt;
  }
  return Data{*peer, bytes.subspan(static_cast<std::size_t>(data->data() - bytes.data()), data->size())};
}

std::size_t TurnClient::poll_packet(TimePoint now, std::span<std::byte> out) {
  advance(now);
  if (outgoing_.empty() || outgoing_.front().size() > out.size()) return 0;
  const std::vector<std::byte> packet = std::move(outgoing_.front());
  outgoing_.pop_front();
  std::ranges::copy(packet, out.begin());
  return packet.size();
}

void TurnClient::handle_timeout(TimePoint now) {
  advance(now);
  if (next_ > now_) return;
  expire_transactions();
  if (expires_at_ <= now_ && state_ == State::Allocated) give_up(stun::unreachable, "The TURN allocation has run out.");
  if (refresh_at_ <= now_) refresh(now_);
  if (keepalive_at_ <= now_) send_keepalive();
  for (Permission& p : permissions_) {
    if (p.refresh_at > now_) continue;
    p.refresh_at = never;
    send({.method = stun::Method::CreatePermission, .peer = {p.peer, 0}});
  }
  std::erase_if(channels_, [&](const Channel& c) { return c.expires_at <= now_ && !c.wanted; });
  for (Channel& c : channels_) {
    if (c.expires_at <= now_) {
      c.bound = false;
      c.expires_at = never;
    }
    if (c.refresh_at > now_) continue;
    c.refresh_at = never;
    send({.method = stun::Method::ChannelBind, .peer = c.peer, .channel = c.number});
  }
  rearm();
}

void TurnClient::send_keepalive() {
  // RFC 8656 section 3.1: what lies between is kept open by indications; Refresh comes too seldom for most NATs.
  keepalive_at_ = now_ + options_.keepalive;
  std::array<std::byte, 32> buffer{};
  stun::MessageBuilder message{buffer, stun::Class::Indication, stun::Method::Binding,
                               stun::TransactionId::random(generator_)};
  const std::size_t size = message.fingerprint().finish();
  queue({buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)});
}

std::optional<TurnClient::Event> TurnClient::poll_event() {
  if (events_.empty()) return std::nullopt;
  std::optional<Event> event{std::move(events_.front())};
  events_.pop_front();
  return event;
}

// --- Data ------------------------------------------------------------------------------------------------------

const TurnClient::Channel* TurnClient::channel_of(const Endpoint& peer) const noexcept {
  const auto it = std::ranges::find_if(channels_, [&](const Channel& c) { return c.bound && c.peer == peer; });
  return it == channels_.end() ? nullptr : &*it;
}

bool TurnClient::is_bound(const Endpoint& peer) const noexcept { return channel_of(peer) != nullptr; }

bool TurnClient::is_permitted(const IpAddress& peer) const noexcept {
  return std::ranges::any_of(
      permissions_, [&](const Permission& p) { return p.peer == peer && p.state != Permission::State::Refused; });
}

std::size_t TurnClient::room_before(const Endpoint& peer) const noexcept {
  return is_bound(peer) ? channel_header : send_header(peer);
}

std::size_t TurnClient::wrap(const Endpoint& peer, std::span<std::byte> packet, std::size_t size) {
  if (const Channel* const channel = channel_of(peer)) {
    // Streams need padding (RFC 8656 section 12.5): whoever frames the datagrams adds it.
    write_channel_header(packet, channel->number, size);
    return channel_header + size;
  }
  // RFC 8656 section 11.1: XOR-PEER-ADDRESS, DATA. The data is where it belongs; what is before it is written.
  const std::size_t before = send_header(peer);
  const std::size_t whole = before + size + padding(size);
  assert(whole <= packet.size());
  stun::MessageBuilder message{packet, stun::Class::Indication, stun::Method::Send,
                               stun::TransactionId::random(generator_)};
  message.xor_address(stun::AttributeType::XorPeerAddress, peer);
  store_be(packet.data() + before - 4, std::to_underlying(stun::AttributeType::Data));
  store_be(packet.data() + before - 2, static_cast<std::uint16_t>(size));
  std::ranges::fill(packet.subspan(before + size, padding(size)), std::byte{0});
  store_be(packet.data() + 2, static_cast<std::uint16_t>(whole - stun::header_size));
  return whole;
}

}  // namespace linnet::ice::turn
