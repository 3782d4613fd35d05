#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "dtls/connection.hpp"
#include "dtls/testing/certificates.hpp"
#include "dtls/testing/openssl_peer.hpp"

namespace linnet::dtls::testing {

using namespace std::chrono_literals;

inline Bytes bytes(std::string_view text) {
  const auto raw = as_bytes(text);
  return {raw.begin(), raw.end()};
}

/// Moves the clock that OpenSSL's own DTLS reads; see connection_openssl_test.cpp.
void move_openssl_clock(std::chrono::microseconds by);

/// A Connection with what came out of it.
class End {
 public:
  explicit End(std::uint64_t seed, crypto::Certificate certificate = fresh_certificate(), Options options = {})
      : random_(seed), certificate_(certificate), connection(with(std::move(options), certificate), random_) {}

  [[nodiscard]] const crypto::Certificate& certificate() const { return certificate_; }

  void handle(TimePoint now, Bytes datagram) {
    for (const auto payload : connection.handle_packet(now, datagram)) {
      received.emplace_back(payload.begin(), payload.end());
    }
    poll_events();
  }
  void poll_events() {
    while (auto event = connection.poll_event()) {
      if (std::holds_alternative<Connection::Connected>(*event)) {
        ++connected;
        for (auto& data : connection.take_early_data()) received.push_back(std::move(data));
      }
      if (std::holds_alternative<Connection::Closed>(*event)) ++closed;
      if (auto* failed = std::get_if<Connection::Failed>(&*event)) error = failed->error;
    }
  }
  [[nodiscard]] std::optional<Bytes> poll(TimePoint now) {
    Bytes out(2'000);
    const std::size_t size = connection.poll_packet(now, out);
    if (size == 0) return std::nullopt;
    out.resize(size);
    return out;
  }
  [[nodiscard]] std::vector<Bytes> poll_all(TimePoint now) {
    std::vector<Bytes> all;
    while (auto packet = poll(now)) all.push_back(std::move(*packet));
    return all;
  }
  [[nodiscard]] Bytes seal(std::span<const std::byte> payload) {
    Bytes record(connection.overhead() + payload.size());
    std::memcpy(record.data() + connection.header_room(), payload.data(), payload.size());
    record.resize(connection.seal(record, payload.size()));
    return record;
  }

 private:
  Options with(Options options, const crypto::Certificate& certificate) {
    options.certificate = certificate;
    options.key_log = &key_log;
    return options;
  }
  SeededGenerator random_;
  crypto::Certificate certificate_;

 public:
  KeyLog key_log{4};
  Connection connection;
  std::vector<Bytes> received;
  std::optional<Error> error;
  int connected = 0;
  int closed = 0;
};

/// One of our ends and OpenSSL, on a path that `filter` (index of the datagram, bytes) may disturb.
class AgainstOpenSsl {
 public:
  AgainstOpenSsl(Role role, OpenSslPeer::Options options, crypto::Certificate certificate = fresh_certificate(),
                 crypto::Certificate peer_certificate = fresh_certificate())
      : end(1, std::move(certificate)), peer(peer_certificate, of(options, role)) {
    end.connection.set_remote_fingerprints({peer_certificate.fingerprint()});
    role_ = role;
  }

  void start() {
    end.connection.start(now, role_);
    peer.step();
  }
  bool exchange() {
    bool any = false;
    for (auto packet = end.poll(now); packet; packet = end.poll(now)) {
      any = true;
      if (!to_peer || to_peer(*packet)) peer.handle(std::move(*packet));
    }
    for (auto packet = peer.poll(); packet; packet = peer.poll()) {
      any = true;
      if (!to_end || to_end(*packet)) end.handle(now, std::move(*packet));
    }
    return any;
  }
  /// Lets virtual time pass until both are connected.
  bool connect(Duration limit = 20s) {
    start();
    const TimePoint end_of_time = now + limit;
    while (!(end.connection.connected() && peer.connected())) {
      if (exchange()) continue;
      const auto left = peer.timeout();
      const TimePoint next = std::min(end.connection.next_timeout(), left ? now + *left : never);
      if (next > end_of_time || peer.failed() || end.error) return false;
      advance(next);
    }
    while (exchange()) {
    }
    return true;
  }

  /// Lets both see `next`.
  void advance(TimePoint next) {
    move_openssl_clock(std::chrono::duration_cast<std::chrono::microseconds>(next - now));
    now = next;
    end.connection.handle_timeout(now);
    end.poll_events();
    peer.time_out();
  }

  TimePoint now{};
  End end;
  OpenSslPeer peer;
  std::function<bool(Bytes&)> to_peer;
  std::function<bool(Bytes&)> to_end;

 private:
  static OpenSslPeer::Options of(OpenSslPeer::Options options, Role role) {
    options.client = role == Role::Server;
    return options;
  }
  Role role_{};
};

}  // namespace linnet::dtls::testing
