#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "sim/network.hpp"
#include "stun/message_builder.hpp"
#include "stun/message_view.hpp"

namespace linnet::sim {

/// A TURN server that tests can make do whatever a server might: a double, not a server. Lives on a host of the
/// simulated network and takes a socket there for each allocation, or wherever else a test wants it.
class TurnServer {
 public:
  struct Script {
    std::string username = "user";
    std::string password = "secret";
    std::string realm = "example.org";
    std::uint32_t lifetime = 600;
    /// Error for a request, after it was authenticated; 0: none.
    std::function<unsigned(stun::Method, const stun::MessageView&)> refuse{};
    std::optional<Endpoint> alternate{};        ///< Where Allocate is sent to (300), before any challenge.
    std::optional<Endpoint> lie{};              ///< The relayed address that is told.
    std::optional<Endpoint> mapped{};           ///< Where it says that clients are.
    std::optional<IpAddress> second_address{};  ///< Of IPv6, for ADDITIONAL-ADDRESS-FAMILY.
    unsigned nonce_uses = 1'000'000;            ///< How many requests a nonce is good for.
    bool dead = false;                          ///< Silent.
    bool forgets_permissions = true;            ///< As the RFC has it; false: for laziness.
  };
  struct Counts {
    unsigned requests = 0, allocations = 0, refreshes = 0, permissions = 0, channels = 0, given_back = 0;
    unsigned sent = 0, relayed = 0, channel_data = 0, send_indications = 0, denied = 0;
  };
  struct Channel {
    Endpoint peer;
    TimePoint until;
  };
  struct Allocation {
    std::vector<Endpoint> relayed;
    TimePoint until;
    stun::TransactionId made_by{};  ///< An Allocate that comes again gets the same answer (RFC 8656 section 7.2).
    std::map<IpAddress, TimePoint> permitted{};
    std::map<std::uint16_t, Channel> channels{};
  };

  /// What it does with the world.
  struct World {
    std::function<std::optional<Endpoint>(Endpoint)> bind;
    std::function<void(const Endpoint&)> close;
    std::function<void(const Endpoint& from, const Endpoint& to, std::span<const std::byte>)> send;
  };
  TurnServer(World world, Endpoint local) : world_(std::move(world)), local_(local) {}
  TurnServer(Host& host, Endpoint local)
      : TurnServer(World{.bind = [&host](Endpoint at) { return host.bind(at); },
                         .close = [&host](const Endpoint& at) { host.close(at); },
                         .send = [&host](const Endpoint& from, const Endpoint& to,
                                         std::span<const std::byte> bytes) { host.send(from, to, bytes); }},
                   local) {
    (void)host.bind(local);
    host.handler = [this](TimePoint now, const Packet& packet) { handle(now, packet); };
  }
  TurnServer(const TurnServer&) = delete;
  TurnServer& operator=(const TurnServer&) = delete;

  Script script;
  Counts counts;
  /// Forgets everything, as after a crash.
  void restart() {
    for (const auto& [client, allocation] : allocations_) close(allocation);
    allocations_.clear();
    ++generation_;
  }
  /// Those that have not run out.
  [[nodiscard]] std::size_t allocations(TimePoint now) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(allocations_, [&](const auto& entry) { return entry.second.until > now; }));
  }
  [[nodiscard]] const std::map<Endpoint, Allocation>& table() const noexcept { return allocations_; }

  /// A datagram for the server or for one of the relayed addresses.
  void handle(TimePoint now, const Packet& packet) {
    if (script.dead) return;
    std::vector<std::byte> bytes = packet.bytes;
    if (packet.to != local_) return relay(now, packet.to, packet.from, bytes);
    if (bytes.empty()) return;
    if ((std::to_integer<unsigned>(bytes[0]) & 0xC0U) == 0x40U) return channel_data(now, packet.from, bytes);
    const auto message = stun::MessageView::parse(bytes);
    if (!message) return;
    if (message->message_class() == stun::Class::Request) return request(now, packet.from, *message);
    if (message->method() != stun::Method::Send) return;
    ++counts.send_indications;
    const auto peer = message->xor_address(stun::AttributeType::XorPeerAddress);
    const auto data = message->find(stun::AttributeType::Data);
    Allocation* const allocation = find(now, packet.from);
    if (peer && data && allocation != nullptr) forward(now, *allocation, *peer, *data);
  }

 private:
  static stun::ErrorCode code(unsigned value) { return static_cast<stun::ErrorCode>(value); }

  // --- Requests --------------------------------------------------------------------------------------------------

  void request(TimePoint now, const Endpoint& from, const stun::MessageView& message) {
    ++counts.requests;
    if (message.method() == stun::Method::Binding)
      return answer(from, message, false, [&](stun::MessageBuilder& m) {
        m.xor_address(stun::AttributeType::XorMappedAddress, script.mapped.value_or(from));
      });
    if (script.alternate && message.method() == stun::Method::Allocate) {
      return refuse(from, message, 300, false, [&](stun::MessageBuilder& m) {
        m.address(stun::AttributeType::AlternateServer, *script.alternate);
      });
    }
    const auto challenge = [&](stun::MessageBuilder& m) {
      m.text(stun::AttributeType::Realm, script.realm).text(stun::AttributeType::Nonce, nonce());
    };
    const auto name = message.text(stun::AttributeType::Username);
    if (!message.has(stun::AttributeType::MessageIntegrity)) return refuse(from, message, 401, false, challenge);
    if (name != script.username || !message.verify_integrity(key()))
      return refuse(from, message, 401, false, challenge);
    if (message.text(stun::AttributeType::Nonce) != nonce()) return refuse(from, message, 438, false, challenge);
    if (++uses_ >= script.nonce_uses) {
      uses_ = 0;
      ++generation_;
    }
    if (const unsigned error = script.refuse ? script.refuse(message.method(), message) : 0) {
      return refuse(from, message, error, true, [](stun::MessageBuilder&) {});
    }
    serve(now, from, message);
  }

  void serve(TimePoint now, const Endpoint& from, const stun::MessageView& message) {
    Allocation* const allocation = find(now, from);
    const auto nothing = [](stun::MessageBuilder&) {};
    if (message.method() == stun::Method::Allocate) {
      if (allocation == nullptr) return allocate(now, from, message);
      if (allocation->made_by == message.transaction_id()) return answer_allocate(from, message, *allocation);
      return refuse(from, message, 437, true, nothing);
    }
    if (allocation == nullptr) return refuse(from, message, 437, true, nothing);
    const auto peer = message.xor_address(stun::AttributeType::XorPeerAddress);
    switch (message.method()) {
      case stun::Method::Refresh: return refresh(now, from, message, *allocation);
      case stun::Method::CreatePermission:
        if (!peer) return refuse(from, message, 400, true, nothing);
        ++counts.permissions;
        allocation->permitted[peer->address] = now + std::chrono::minutes{5};
        break;
      case stun::Method::ChannelBind: {
        if (!peer) return refuse(from, message, 400, true, nothing);
        const auto number =
            static_cast<std::uint16_t>(message.u32(stun::AttributeType::ChannelNumber).value_or(0) >> 16U);
        ++counts.channels;
        for (const auto& [other, channel] : allocation->channels) {
          const bool taken = (other == number) != (channel.peer == *peer);
          if (taken && channel.until > now) return refuse(from, message, 400, true, nothing);
        }
        allocation->permitted[peer->address] = now + std::chrono::minutes{5};
        allocation->channels[number] = {*peer, now + std::chrono::minutes{10}};
        break;
      }
      default: return refuse(from, message, 400, true, nothing);
    }
    answer(from, message, true, nothing);
  }

  void allocate(TimePoint now, const Endpoint& from, const stun::MessageView& message) {
    Allocation made{
        .relayed = {}, .until = now + std::chrono::seconds{script.lifetime}, .made_by = message.transaction_id()};
    if (const auto relayed = world_.bind({local_.address, 0})) made.relayed.push_back(*relayed);
    if (script.second_address && message.has(stun::AttributeType::AdditionalAddressFamily)) {
      if (const auto relayed = world_.bind({*script.second_address, 0})) made.relayed.push_back(*relayed);
    }
    ++counts.allocations;
    answer_allocate(from, message, made);
    allocations_[from] = std::move(made);
  }

  void answer_allocate(const Endpoint& from, const stun::MessageView& message, const Allocation& made) {
    answer(from, message, true, [&](stun::MessageBuilder& m) {
      for (const Endpoint& relayed : made.relayed) {
        m.xor_address(stun::AttributeType::XorRelayedAddress, script.lie ? *script.lie : relayed);
      }
      m.u32(stun::AttributeType::Lifetime, script.lifetime);
      m.xor_address(stun::AttributeType::XorMappedAddress, script.mapped.value_or(from));
    });
  }

  void refresh(TimePoint now, const Endpoint& from, const stun::MessageView& message, Allocation& allocation) {
    const bool gives_back = message.u32(stun::AttributeType::Lifetime) == 0U;
    ++(gives_back ? counts.given_back : counts.refreshes);
    allocation.until = now + std::chrono::seconds{script.lifetime};
    answer(from, message, true,
           [&](stun::MessageBuilder& m) { m.u32(stun::AttributeType::Lifetime, gives_back ? 0 : script.lifetime); });
    if (!gives_back) return;
    close(allocation);
    allocations_.erase(from);
  }

  // --- Data ------------------------------------------------------------------------------------------------------

  void channel_data(TimePoint now, const Endpoint& from, std::span<const std::byte> bytes) {
    Allocation* const allocation = find(now, from);
    if (allocation == nullptr || bytes.size() < 4) return;
    const auto channel = allocation->channels.find(load_be<std::uint16_t>(bytes.data()));
    const std::size_t size = load_be<std::uint16_t>(bytes.data() + 2);
    if (channel == allocation->channels.end() || channel->second.until <= now || size > bytes.size() - 4) return;
    ++counts.channel_data;
    forward(now, *allocation, channel->second.peer, bytes.subspan(4, size));
  }

  void forward(TimePoint now, Allocation& allocation, const Endpoint& peer, std::span<const std::byte> data) {
    if (!permitted(now, allocation, peer)) return;
    ++counts.sent;
    for (const Endpoint& relayed : allocation.relayed) {
      if (relayed.address.family() == peer.address.family()) return world_.send(relayed, peer, data);
    }
  }

  bool permitted(TimePoint now, const Allocation& allocation, const Endpoint& peer) {
    const auto found = allocation.permitted.find(peer.address);
    const bool allowed = found != allocation.permitted.end() && (!script.forgets_permissions || found->second > now);
    if (!allowed) ++counts.denied;
    return allowed;
  }

  /// From a peer to a relayed address.
  void relay(TimePoint now, const Endpoint& relayed, const Endpoint& peer, std::span<const std::byte> data) {
    for (auto& [client, allocation] : allocations_) {
      if (allocation.until <= now || std::ranges::find(allocation.relayed, relayed) == allocation.relayed.end())
        continue;
      if (!permitted(now, allocation, peer)) return;
      ++counts.relayed;
      std::vector<std::byte> out(data.size() + 64);
      for (const auto& [number, channel] : allocation.channels) {
        if (channel.peer != peer || channel.until <= now) continue;
        store_be(out.data(), number);
        store_be(out.data() + 2, static_cast<std::uint16_t>(data.size()));
        std::ranges::copy(data, out.begin() + 4);
        return world_.send(local_, client, std::span{out}.first(4 + data.size()));
      }
      stun::MessageBuilder m{out, stun::Class::Indication, stun::Method::Data, {}};
      m.xor_address(stun::AttributeType::XorPeerAddress, peer).attribute(stun::AttributeType::Data, data);
      return world_.send(local_, client, std::span{out}.first(m.finish()));
    }
  }

  // --- Parts -----------------------------------------------------------------------------------------------------

  [[nodiscard]] Allocation* find(TimePoint now, const Endpoint& client) {
    const auto found = allocations_.find(client);
    if (found == allocations_.end()) return nullptr;
    if (found->second.until > now) return &found->second;
    close(found->second);
    allocations_.erase(found);
    return nullptr;
  }
  void close(const Allocation& allocation) {
    for (const Endpoint& relayed : allocation.relayed) world_.close(relayed);
  }
  [[nodiscard]] std::string nonce() const { return "nonce-" + std::to_string(generation_); }
  [[nodiscard]] std::array<std::byte, 16> key() const {
    return stun::long_term_key(script.username, script.realm, script.password);
  }

  template <class Write>
  void answer(const Endpoint& to, const stun::MessageView& request, bool with_integrity, Write write) {
    reply(to, request, stun::Class::Success, with_integrity, write);
  }
  template <class Write>
  void refuse(const Endpoint& to, const stun::MessageView& request, unsigned error, bool with_integrity, Write write) {
    reply(to, request, stun::Class::Error, with_integrity, [&](stun::MessageBuilder& m) {
      m.error_code(code(error));
      write(m);
    });
  }
  template <class Write>
  void reply(const Endpoint& to, const stun::MessageView& request, stun::Class kind, bool with_integrity, Write write) {
    std::array<std::byte, 512> room{};
    stun::MessageBuilder m{room, kind, request.method(), request.transaction_id()};
    write(m);
    if (with_integrity) m.integrity(key());
    world_.send(local_, to, std::span{room}.first(m.fingerprint().finish()));
  }

  World world_;
  Endpoint local_;
  std::map<Endpoint, Allocation> allocations_;
  unsigned uses_ = 0;
  unsigned generation_ = 1;
};

}  // namespace linnet::sim
