#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "ice/turn/turn_client.hpp"
#include "stun/message_builder.hpp"

namespace linnet::ice::turn {

inline const Endpoint relayed{IpAddress::v4({198, 51, 100, 9}), 50'001};
inline const Endpoint relayed_v6{*IpAddress::parse("2001:db8::9"), 50'002};
inline const Endpoint mapped{IpAddress::v4({203, 0, 113, 5}), 40'000};
inline const Endpoint peer{IpAddress::v4({192, 0, 2, 7}), 6'000};
inline const Endpoint peer_v6{*IpAddress::parse("2001:db8::7"), 6'000};

/// A client and what a test makes a server say.
class TurnClientTest : public testing::Test {
 protected:
  using Write = std::function<void(stun::MessageBuilder&)>;

  void make(bool reliable = false) {
    client.emplace(Options{.username = "user", .credential = "secret", .reliable = reliable}, random);
  }
  /// The next message of the client, parsed; the bytes live in `last`.
  std::optional<stun::MessageView> next() {
    std::array<std::byte, 4'000> out{};
    const std::size_t size = client->poll_packet(now, out);
    last.assign(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
    if (size == 0) return std::nullopt;
    const auto message = stun::MessageView::parse(last);
    return message ? std::optional{*message} : std::nullopt;
  }
  [[nodiscard]] static std::array<std::byte, 16> key() { return stun::long_term_key("user", "realm", "secret"); }
  std::optional<TurnClient::Data> say(const stun::MessageView& request, stun::Class kind, bool with_integrity,
                                      const Write& write) {
    std::vector<std::byte> out(3'000);
    stun::MessageBuilder m{out, kind, request.method(), request.transaction_id()};
    write(m);
    if (with_integrity) m.integrity(key());
    out.resize(m.fingerprint().finish());
    return client->handle_packet(now, out);
  }
  void agree(const stun::MessageView& request, const Write& write = [](stun::MessageBuilder&) {}) {
    (void)say(request, stun::Class::Success, true, write);
  }
  void refuse(
      const stun::MessageView& request, unsigned code, bool with_integrity = true,
      const Write& write = [](stun::MessageBuilder&) {}) {
    (void)say(request, stun::Class::Error, with_integrity, [&](stun::MessageBuilder& m) {
      m.error_code(static_cast<stun::ErrorCode>(code), "because");
      write(m);
    });
  }
  void challenge(const stun::MessageView& request, unsigned code = 401, std::string nonce = "nonce") {
    refuse(request, code, false, [&](stun::MessageBuilder& m) {
      m.text(stun::AttributeType::Realm, "realm").text(stun::AttributeType::Nonce, nonce);
    });
  }
  static void give(stun::MessageBuilder& m, std::uint32_t lifetime = 600, bool both = true) {
    m.xor_address(stun::AttributeType::XorRelayedAddress, relayed);
    if (both) m.xor_address(stun::AttributeType::XorRelayedAddress, relayed_v6);
    m.xor_address(stun::AttributeType::XorMappedAddress, mapped).u32(stun::AttributeType::Lifetime, lifetime);
  }
  stun::MessageView start() {
    client->start(now);
    challenge(*next());
    return *next();
  }
  void allocate(bool reliable = false) {
    make(reliable);
    agree(start(), [](stun::MessageBuilder& m) { give(m); });
    ASSERT_TRUE(event<TurnClient::Allocated>());
  }
  void permit(const Endpoint& to) {
    client->permit(now, to.address);
    agree(*next());
  }
  void bind(const Endpoint& to) {
    client->bind(now, to);
    while (const auto request = next()) agree(*request);
    ASSERT_TRUE(client->is_bound(to));
  }
  template <class E>
  std::optional<E> event() {
    auto e = client->poll_event();
    if (!e || !std::holds_alternative<E>(*e)) return std::nullopt;
    return std::get<E>(*e);
  }
  void wait(Duration time) {
    const TimePoint end = now + time;
    while (client->next_timeout() <= end) {
      now = std::max(now, client->next_timeout());
      client->handle_timeout(now);
    }
    now = end;
    client->handle_timeout(now);
  }
  std::vector<std::byte> wrapped(const Endpoint& to, std::string_view text) {
    std::vector<std::byte> packet(client->room_before(to) + text.size() + TurnClient::room_behind, std::byte{0xEE});
    std::ranges::copy(as_bytes(text), packet.begin() + static_cast<std::ptrdiff_t>(client->room_before(to)));
    packet.resize(client->wrap(to, packet, text.size()));
    return packet;
  }
  std::vector<std::byte> indication(const Endpoint& from, std::string_view text,
                                    stun::Method method = stun::Method::Data) {
    std::vector<std::byte> out(1'000);
    stun::MessageBuilder m{out, stun::Class::Indication, method, {}};
    m.xor_address(stun::AttributeType::XorPeerAddress, from).text(stun::AttributeType::Data, text);
    out.resize(m.finish());
    return out;
  }

  SeededGenerator random{1};
  std::optional<TurnClient> client;
  TimePoint now = TimePoint{} + std::chrono::hours{1};
  std::vector<std::byte> last;
};

}  // namespace linnet::ice::turn
