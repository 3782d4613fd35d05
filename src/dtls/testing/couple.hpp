#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <queue>
#include <tuple>
#include <utility>

#include "dtls/testing/driver.hpp"

namespace linnet::dtls::testing {

/// A client and a server with a path between them whose every datagram takes 10 ms; `path` may lose or change it.
class Couple {
 public:
  explicit Couple(std::uint64_t seed = 1, Options options = {})
      : client(seed, fresh_certificate(), options), server(seed + 1, fresh_certificate(), options) {}

  void trust() {
    client.connection.set_remote_fingerprints({server.certificate().fingerprint()});
    server.connection.set_remote_fingerprints({client.certificate().fingerprint()});
  }
  void start() {
    client.connection.start(now, Role::Client);
    server.connection.start(now, Role::Server);
  }
  void send(End& to, Bytes packet, Duration delay = 10ms) {
    flying_.push({now + delay, order_++, &to, std::move(packet)});
  }
  void pump() {
    for (End* end : {&client, &server}) {
      end->poll_events();
      End& to = end == &client ? server : client;
      for (auto& packet : end->poll_all(now)) {
        if (!path || path(to, packet)) send(to, std::move(packet));
      }
    }
  }
  /// Runs until both are connected, or nothing happens any more, or `limit`.
  bool run(Duration limit = 40s) {
    const TimePoint end = now + limit;
    pump();
    while (!(client.connection.connected() && server.connection.connected() && flying_.empty())) {
      TimePoint next = std::min(client.connection.next_timeout(), server.connection.next_timeout());
      if (!flying_.empty()) next = std::min(next, flying_.top().at);
      if (next > end) break;
      now = std::max(now, next);
      client.connection.handle_timeout(now);
      server.connection.handle_timeout(now);
      while (!flying_.empty() && flying_.top().at <= now) {
        auto [at, order, to, packet] = flying_.top();
        flying_.pop();
        to->handle(now, std::move(packet));
      }
      pump();
    }
    return client.connection.connected() && server.connection.connected();
  }
  void connect() {
    trust();
    start();
    ASSERT_TRUE(run());
  }

  TimePoint now{};
  End client;
  End server;
  std::function<bool(End& to, Bytes&)> path;

 private:
  struct Flying {
    TimePoint at;
    std::uint64_t order;
    End* to;
    Bytes bytes;
    bool operator<(const Flying& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
  };
  std::priority_queue<Flying> flying_;
  std::uint64_t order_ = 0;
};

}  // namespace linnet::dtls::testing
