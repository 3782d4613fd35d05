#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "linnet/core/datagram.hpp"
#include "stun/message_builder.hpp"
#include "stun/message_view.hpp"

namespace linnet::turn_server::testing {

using stun::AttributeType;
using Bytes = std::vector<std::byte>;

[[nodiscard]] inline Bytes bytes(std::string_view text) {
  const auto raw = as_bytes(text);
  return {raw.begin(), raw.end()};
}

/// Writes what a TURN client says, for tests; knows the realm and the nonce once it was told.
class Client {
 public:
  Client(const Path& from, std::string user, std::string secret)
      : path(from), username(std::move(user)), password(std::move(secret)) {}

  Path path;  ///< As the server sees it.
  std::string username;
  std::string password;
  std::string realm{};
  std::string nonce{};
  bool authenticated = true;
  bool fingerprint = true;

  /// A request with what `fill` adds, signed when realm and nonce are known.
  template <class Fill>
  [[nodiscard]] Bytes request(stun::Method method, Fill&& fill) {
    return message(stun::Class::Request, method, fill);
  }
  [[nodiscard]] Bytes binding() {
    const bool signs = std::exchange(authenticated, false);
    auto out = request(stun::Method::Binding, [](auto&) {});
    authenticated = signs;
    return out;
  }
  [[nodiscard]] Bytes allocate() {
    return allocate([](auto&) {});
  }
  template <class Fill>
  [[nodiscard]] Bytes allocate(Fill&& fill) {
    return request(stun::Method::Allocate, [&](stun::MessageBuilder& out) {
      out.u32(AttributeType::RequestedTransport, 17U << 24U);
      fill(out);
    });
  }
  [[nodiscard]] Bytes refresh(std::uint32_t seconds) {
    return request(stun::Method::Refresh,
                   [&](stun::MessageBuilder& out) { out.u32(AttributeType::Lifetime, seconds); });
  }
  [[nodiscard]] Bytes permit(std::initializer_list<Endpoint> peers) {
    return request(stun::Method::CreatePermission, [&](stun::MessageBuilder& out) {
      for (const Endpoint& peer : peers) out.xor_address(AttributeType::XorPeerAddress, peer);
    });
  }
  [[nodiscard]] Bytes bind(std::uint16_t number, const Endpoint& peer) {
    return request(stun::Method::ChannelBind, [&](stun::MessageBuilder& out) {
      out.u32(AttributeType::ChannelNumber, std::uint32_t{number} << 16U)
          .xor_address(AttributeType::XorPeerAddress, peer);
    });
  }
  [[nodiscard]] Bytes send(const Endpoint& peer, std::span<const std::byte> data) {
    const bool signs = std::exchange(authenticated, false);
    auto out = message(stun::Class::Indication, stun::Method::Send, [&](stun::MessageBuilder& m) {
      m.xor_address(AttributeType::XorPeerAddress, peer).attribute(AttributeType::Data, data);
    });
    authenticated = signs;
    return out;
  }
  [[nodiscard]] static Bytes channel_data(std::uint16_t number, std::span<const std::byte> data) {
    Bytes out(4 + data.size());
    store_be(out.data(), number);
    store_be(out.data() + 2, static_cast<std::uint16_t>(data.size()));
    std::copy(data.begin(), data.end(), out.begin() + 4);
    return out;
  }

  /// Takes realm and nonce from an error response.
  void learn(std::span<const std::byte> reply) {
    const auto view = stun::MessageView::parse(reply);
    if (!view) return;
    if (const auto text = view->text(AttributeType::Realm)) realm = *text;
    if (const auto text = view->text(AttributeType::Nonce)) nonce = *text;
  }
  [[nodiscard]] std::array<std::byte, 16> key() const { return stun::long_term_key(username, realm, password); }

 private:
  template <class Fill>
  [[nodiscard]] Bytes message(stun::Class kind, stun::Method method, Fill&& fill) {
    stun::TransactionId id;
    store_be(id.bytes.data() + 8, ++last_id_);
    Bytes out(2'048);
    stun::MessageBuilder builder{out, kind, method, id};
    fill(builder);
    if (authenticated && !nonce.empty()) {
      builder.text(AttributeType::Username, username).text(AttributeType::Realm, realm);
      builder.text(AttributeType::Nonce, nonce).integrity(key());
    }
    if (fingerprint) builder.fingerprint();
    out.resize(builder.finish());
    return out;
  }
  std::uint32_t last_id_ = 0;
};

}  // namespace linnet::turn_server::testing
