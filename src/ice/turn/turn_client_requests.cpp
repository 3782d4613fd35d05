#include <algorithm>
#include <array>
#include <utility>

#include "ice/turn/turn_client.hpp"
#include "stun/message_builder.hpp"

// TurnClient: its requests and what the server answers.

namespace linnet::ice::turn {
namespace {

constexpr std::uint32_t udp = 17U << 24U;  // REQUESTED-TRANSPORT
constexpr std::uint32_t ipv6 = 2U << 24U;  // REQUESTED-ADDRESS-FAMILY

/// RFC 8656 sections 9 and 12: a permission lasts 5 minutes, a channel 10.
constexpr Duration permission_refresh = std::chrono::minutes{4};
constexpr Duration channel_refresh = std::chrono::minutes{9};
constexpr Duration channel_lifetime = std::chrono::minutes{10};
/// Until a permission that was not given is asked for again, doubled each time.
constexpr Duration least_pause = std::chrono::seconds{1};
constexpr Duration longest_pause = std::chrono::minutes{1};
/// Less is no service, and would keep both sides busy with refreshing.
constexpr Duration least_lifetime = std::chrono::seconds{10};
constexpr Duration longest_lifetime = std::chrono::hours{24};
/// A nonce or realm may change while we ask; a server that never has enough is left.
constexpr unsigned max_tries = 4;

std::uint16_t code_of(stun::ErrorCode code) { return std::to_underlying(code); }

std::string_view meaning(std::uint16_t code) {
  switch (static_cast<stun::ErrorCode>(code)) {
    case stun::ErrorCode::TryAlternate: return "The TURN server sends us to another one that we cannot use";
    case stun::ErrorCode::BadRequest: return "The TURN server did not understand the request";
    case stun::ErrorCode::Unauthenticated: return "The TURN server refused the user name or the password";
    case stun::ErrorCode::Forbidden: return "The TURN server forbids it";
    case stun::ErrorCode::UnknownAttribute: return "The TURN server does not know an attribute of the request";
    case stun::ErrorCode::AllocationMismatch: return "The TURN server knows another allocation, or no more this one";
    case stun::ErrorCode::StaleNonce: return "The TURN server calls every nonce stale";
    case stun::ErrorCode::AddressFamilyNotSupported: return "The TURN server has no address of this family";
    case stun::ErrorCode::WrongCredentials: return "The allocation belongs to another user";
    case stun::ErrorCode::UnsupportedTransportProtocol: return "The TURN server does not relay UDP";
    case stun::ErrorCode::PeerAddressFamilyMismatch: return "The peer's address is of another family than the relay's";
    case stun::ErrorCode::AllocationQuotaReached: return "The user has too many allocations on the TURN server";
    case stun::ErrorCode::ServerError: return "The TURN server has an error of its own";
    case stun::ErrorCode::InsufficientCapacity: return "The TURN server has no relay address left";
    default: return "The TURN server refused";
  }
}

/// The server's words are shown to people: bounded and printable.
std::string describe(std::uint16_t code, std::string_view reason) {
  std::string text{meaning(code)};
  constexpr std::size_t most = 128;
  if (reason.empty()) return text + '.';
  text += " (";
  for (const char c : reason.substr(0, most)) text.push_back(c < 0x20 || c > 0x7E ? '?' : c);
  return text + ").";
}

bool is_usable(const Endpoint& endpoint) {
  const IpAddress address = endpoint.address.unmapped();
  return endpoint.port != 0 && !address.is_unspecified() && !address.is_multicast();
}

}  // namespace

std::vector<std::byte> TurnClient::encode(const Request& request, const stun::TransactionId& id) const {
  std::array<std::byte, 2'600> buffer{};  // A user name of 508 bytes, a realm and a nonce of 763 fit.
  stun::MessageBuilder message{buffer, stun::Class::Request, request.method, id};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(options_.lifetime).count();
  const auto lifetime = request.gives_back ? 0U : static_cast<std::uint32_t>(seconds);
  switch (request.method) {
    case stun::Method::Allocate:
      message.u32(stun::AttributeType::RequestedTransport, udp).u32(stun::AttributeType::Lifetime, lifetime);
      message.u32(
          ipv6_only_ ? stun::AttributeType::RequestedAddressFamily : stun::AttributeType::AdditionalAddressFamily,
          ipv6);
      break;
    case stun::Method::Refresh: message.u32(stun::AttributeType::Lifetime, lifetime); break;
    case stun::Method::ChannelBind:
      message.u32(stun::AttributeType::ChannelNumber, std::uint32_t{request.channel} << 16U);
      [[fallthrough]];
    default: message.xor_address(stun::AttributeType::XorPeerAddress, request.peer); break;
  }
  if (credential_.ready()) credential_.sign(message);
  const std::size_t size = message.fingerprint().finish();
  return {buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)};
}

void TurnClient::send(const Request& request, TimePoint limit) {
  Transaction t;
  t.request = request;
  t.id = stun::TransactionId::random(generator_);
  t.message = encode(request, t.id);
  t.is_signed = credential_.ready();
  const TimePoint until = std::min(limit, state_ == State::Allocating ? give_up_at_ : expires_at_);
  // RFC 8489 section 6.2.2: over a stream there is nothing to repeat, and Ti, 39.5 s, to wait.
  constexpr unsigned all_waits = 79;
  t.timing = options_.reliable ? StunTransaction{now_, options_.rto, 1, all_waits, until}
                               : StunTransaction{now_, options_.rto, options_.max_sends, options_.last_wait, until};
  queue(t.message);
  transactions_.push_back(std::move(t));
}

// --- Answers ---------------------------------------------------------------------------------------------------

/// RFC 8489 section 9.2.5: whether the answer to a signed request comes from the server.
bool TurnClient::is_trusted(Transaction& transaction, const stun::MessageView& message) {
  if (!transaction.is_signed) return true;
  const auto error = message.error_code();
  const bool is_challenge = error && (error->code == code_of(stun::ErrorCode::Unauthenticated) ||
                                      error->code == code_of(stun::ErrorCode::StaleNonce));
  if (is_challenge || credential_.verify(message)) return true;
  ++statistics_.forged;
  transaction.doubtful = error ? error->code : stun::unreachable;
  return false;
}

void TurnClient::handle_answer(const stun::MessageView& message) {
  const auto it = std::ranges::find(transactions_, message.transaction_id(), &Transaction::id);
  if (it == transactions_.end() || it->request.method != message.method()) {
    ++statistics_.unexpected;
    return;
  }
  std::array<std::uint16_t, 1> unknown{};
  if (message.unknown_attributes(unknown) != 0) {
    ++statistics_.unexpected;
    return;
  }
  const bool success = message.message_class() == stun::Class::Success;
  // A server that has asked for credentials signs, one that wants none need not. An error has to say which one it is.
  if ((success && !it->is_signed && credential_.ready()) || (!success && !message.error_code())) {
    ++statistics_.malformed;
    return;
  }
  if (!is_trusted(*it, message)) return;
  const Transaction transaction = std::move(*it);
  transactions_.erase(it);
  if (success)
    handle_success(transaction.request, message);
  else
    handle_error(transaction, message);
}

void TurnClient::handle_success(const Request& request, const stun::MessageView& message) {
  switch (request.method) {
    case stun::Method::Allocate: return allocated(message);
    case stun::Method::Refresh:
      if (request.gives_back) return send({.method = stun::Method::Allocate});
      return refreshed(message);
    case stun::Method::ChannelBind:
      for (Channel& channel : channels_) {
        if (channel.peer != request.peer || channel.number != request.channel) continue;
        channel.bound = true;
        channel.refresh_at = channel.wanted ? now_ + channel_refresh : never;
        channel.expires_at = now_ + channel_lifetime;
      }
      [[fallthrough]];  // It is a permission as well.
    default:
      for (Permission& permission : permissions_) {
        if (permission.peer != request.peer.address) continue;
        permission.state = Permission::State::Granted;
        permission.failures = 0;
        permission.refresh_at = now_ + permission_refresh;
      }
  }
}

void TurnClient::allocated(const stun::MessageView& message) {
  // RFC 8656 section 7.3: one address, or two of both families.
  for (const auto attribute : message) {
    if (attribute.type != stun::AttributeType::XorRelayedAddress) continue;
    const auto relayed = message.xor_address(attribute);
    if (!relayed || !is_usable(*relayed)) continue;
    auto& slot = relayed_[static_cast<std::size_t>(relayed->address.family())];
    if (!slot) slot = relayed;
  }
  mapped_ = message.mapped_address();
  if (mapped_ && !is_usable(*mapped_)) mapped_.reset();
  const Duration lifetime = std::chrono::seconds{message.u32(stun::AttributeType::Lifetime).value_or(0)};
  if ((!relayed_[0] && !relayed_[1]) || lifetime < least_lifetime) {
    owes_goodbye_ = true;
    // There never was one that could be lost.
    for (auto& relayed : relayed_) relayed.reset();
    return give_up(stun::unreachable, "The TURN server gave an address or a lifetime that cannot be used.");
  }
  state_ = State::Allocated;
  set_lifetime(lifetime);
  if (!options_.reliable) keepalive_at_ = now_ + options_.keepalive;
  events_.push_back(Allocated{});
}

void TurnClient::refreshed(const stun::MessageView& message) {
  refreshing_ = false;
  const Duration lifetime = std::chrono::seconds{message.u32(stun::AttributeType::Lifetime).value_or(0)};
  if (lifetime < least_lifetime) return give_up(stun::unreachable, "The TURN server ended the allocation.");
  set_lifetime(lifetime);
}

void TurnClient::set_lifetime(Duration lifetime) {
  lifetime = std::min<Duration>(lifetime, longest_lifetime);
  // RFC 8656 section 8: about a minute before it runs out.
  constexpr Duration minute = std::chrono::minutes{1};
  expires_at_ = now_ + lifetime;
  refresh_at_ = now_ + (lifetime > 2 * minute ? lifetime - minute : lifetime / 2);
}

// --- Errors ----------------------------------------------------------------------------------------------------

void TurnClient::handle_error(const Transaction& transaction, const stun::MessageView& message) {
  const auto error = *message.error_code();
  if (error.code == code_of(stun::ErrorCode::Unauthenticated)) return challenged(transaction, message, false);
  if (error.code == code_of(stun::ErrorCode::StaleNonce)) return challenged(transaction, message, true);
  if (state_ == State::Allocating) return allocate_refused(transaction.request, error.code, error.reason, message);
  refused(transaction.request, error.code, error.reason);
}

void TurnClient::challenged(const Transaction& transaction, const stun::MessageView& message, bool stale) {
  const auto error = *message.error_code();
  Request again = transaction.request;
  // What was sent before an answer to another request brought the new realm is no attempt with it.
  const auto challenge = credential_.challenged(message, stale || !transaction.is_signed);
  const bool retry = challenge == LongTermCredential::Challenge::Accepted && ++again.tries <= max_tries;
  if (retry) return send(again);
  const std::string text = challenge == LongTermCredential::Challenge::Unusable
                               ? "The TURN server wants an authentication that we do not have."
                               : describe(error.code, error.reason);
  if (again.method == stun::Method::Allocate || again.method == stun::Method::Refresh) return give_up(error.code, text);
  refused(again, error.code, error.reason);
}

void TurnClient::allocate_refused(const Request& request, std::uint16_t code, std::string_view reason,
                                  const stun::MessageView& message) {
  switch (static_cast<stun::ErrorCode>(code)) {
    case stun::ErrorCode::TryAlternate: {
      const auto server = message.address(stun::AttributeType::AlternateServer);
      if (!server || !is_usable(*server)) break;
      const auto domain = message.text(stun::AttributeType::AlternateDomain).value_or("");
      give_up(code, {});
      events_.clear();
      events_.push_back(Alternate{*server, std::string{domain.substr(0, 255)}});
      return;
    }
    case stun::ErrorCode::AddressFamilyNotSupported:
      // RFC 8656 section 7.4: it has no IPv4.
      if (std::exchange(ipv6_only_, true)) break;
      return send({.method = stun::Method::Allocate});
    case stun::ErrorCode::AllocationMismatch:
      // Somebody, we ourselves perhaps, had this path before. Deviation: RFC 8656 section 7.4 would have another port;
      // giving the old one back is as good, as the user is the same.
      if (request.gives_back) return send({.method = stun::Method::Allocate});
      if (std::exchange(gave_back_, true) || !credential_.ready()) break;
      return send({.method = stun::Method::Refresh, .gives_back = true});
    default: break;
  }
  give_up(code, describe(code, reason));
}

void TurnClient::refused(const Request& request, std::uint16_t code, std::string_view reason) {
  // Whatever was asked: there is no allocation (any more) that it could be asked of.
  if (code == code_of(stun::ErrorCode::AllocationMismatch)) return give_up(code, describe(code, reason));
  switch (request.method) {
    case stun::Method::ChannelBind:
      // Data goes on in Send indications.
      for (Channel& channel : channels_) {
        if (channel.peer == request.peer && channel.number == request.channel) channel.refresh_at = never;
      }
      return;
    case stun::Method::CreatePermission:
      for (Permission& permission : permissions_) {
        if (permission.peer != request.peer.address) continue;
        // RFC 8656 section 10.3: these two are about the peer. What else went wrong may go better the next time.
        if (code != code_of(stun::ErrorCode::Forbidden) &&
            code != code_of(stun::ErrorCode::PeerAddressFamilyMismatch)) {
          const Duration pause = least_pause * (1U << std::min(permission.failures++, 6U));
          permission.refresh_at = now_ + std::min(pause, longest_pause);
          continue;
        }
        permission.state = Permission::State::Refused;
        permission.refresh_at = never;
        events_.push_back(Refused{permission.peer, code});
      }
      return;
    default: return give_up(code, describe(code, reason));
  }
}

void TurnClient::expire_transactions() {
  std::vector<Transaction> ended;
  for (std::size_t i = 0; i < transactions_.size();) {
    Transaction& t = transactions_[i];
    switch (t.timing.handle_timeout(now_)) {
      case StunTransaction::Due::Nothing: ++i; break;
      case StunTransaction::Due::Resend:
        queue(t.message);
        ++i;
        break;
      case StunTransaction::Due::GiveUp:
        ended.push_back(std::move(t));
        transactions_.erase(transactions_.begin() + static_cast<std::ptrdiff_t>(i));
        break;
    }
  }
  for (const Transaction& t : ended) {
    if (state_ == State::Over) return;
    const bool vital = t.request.method == stun::Method::Allocate || t.request.method == stun::Method::Refresh;
    if (!vital) {
      refused(t.request, stun::unreachable, {});
    } else if (t.doubtful == stun::unreachable) {
      give_up(stun::unreachable, "The TURN server's answers are not authentic.");
    } else if (t.doubtful != 0) {
      give_up(t.doubtful, describe(t.doubtful, "not authenticated"));
    } else {
      give_up(stun::unreachable,
              state_ == State::Allocating ? "TURN allocate request timed out." : "The TURN server no longer answers.");
    }
  }
}

}  // namespace linnet::ice::turn
