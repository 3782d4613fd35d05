#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "turn_server/testing_client.hpp"
#include "turn_server/turn_server.hpp"

namespace linnet::turn_server::testing {

inline const Endpoint server_address{.address = IpAddress::v4({192, 0, 2, 1}), .port = 3'478};
inline const IpAddress relay_address = IpAddress::v4({192, 0, 2, 1});
inline const Endpoint peer_address{.address = IpAddress::v4({203, 0, 113, 9}), .port = 5'000};

[[nodiscard]] inline Path path_of(std::uint8_t host, std::uint16_t port = 4'000, Protocol protocol = Protocol::Udp) {
  return {.local = server_address,
          .remote = {.address = IpAddress::v4({203, 0, 113, host}), .port = port},
          .protocol = protocol};
}

/// A server on a table, with a world that opens each relay at once.
class Rig : public ::testing::Test {
 protected:
  struct Sent {
    Path path;
    Ecn ecn = Ecn::NotEct;
    Bytes bytes;
  };

  static Options options() {
    return {.users = {{"ann", "apple"}, {"bob", "banana"}}, .secret = "north", .unix_seconds_at_start = 1'000'000};
  }

  void make(Options options) { server_.emplace(std::move(options), random_); }

  TurnServer& server() {
    if (!server_) make(options());
    return *server_;
  }

  /// Hands a datagram in and gives what comes out.
  std::vector<Sent> say(const Path& path, Bytes datagram, Ecn ecn = Ecn::NotEct) {
    server().handle_datagram({.at = now_, .path = path, .ecn = ecn, .bytes = datagram});
    return pump();
  }
  std::vector<Sent> say(const Client& client, Bytes datagram) { return say(client.path, std::move(datagram)); }

  std::vector<Sent> pump() {
    while (const auto event = server().poll_event()) {
      if (const auto* need = std::get_if<NeedRelay>(&*event)) {
        asked_.push_back(*need);
        if (open_relays_) open(*need);
      } else {
        closed_.push_back(std::get<CloseRelay>(*event).id);
      }
    }
    std::vector<Sent> out;
    Progress progress = Progress::More;
    while (progress == Progress::More) {
      batch_.clear();
      progress = server().poll_transmit(now_, batch_);
      for (const DatagramBatch::Run& run : batch_.runs()) {
        for (auto rest = run.bytes; !rest.empty();) {
          const auto piece = rest.first(std::min(rest.size(), run.segment_size));
          out.push_back({run.path, run.ecn, {piece.begin(), piece.end()}});
          rest = rest.subspan(piece.size());
        }
      }
    }
    return out;
  }
  void open(const NeedRelay& need) {
    const Endpoint relayed{need.family == IpAddress::Family::V4 ? relay_address : *IpAddress::parse("2001:db8::1"),
                           next_port_++};
    server().relay_opened(now_, need.id, {relayed, relayed});
  }
  void wait(Duration time) {
    now_ += time;
    if (server().next_timeout() <= now_) server().handle_timeout(now_);
  }

  /// The only answer, to whom it belongs, as a message that lives until the next one.
  stun::MessageView answer(const Client& client, Bytes datagram) {
    const auto sent = say(client, std::move(datagram));
    EXPECT_EQ(sent.size(), 1U);
    if (sent.size() == 1) {
      EXPECT_EQ(sent[0].path, client.path);
      answer_ = sent[0].bytes;
    }
    const auto view = stun::MessageView::parse(answer_);
    if (!view) {
      ADD_FAILURE() << "no STUN message";
      std::abort();
    }
    return *view;
  }
  /// 0: success.
  unsigned code(const Client& client, Bytes datagram) {
    const auto view = answer(client, std::move(datagram));
    if (view.message_class() == stun::Class::Success) return 0;
    const auto error = view.error_code();
    return error ? error->code : 1U;
  }
  /// Asks for the nonce first.
  void greet(Client& client) {
    (void)answer(client, client.allocate());
    client.learn(answer_);
  }
  /// The relayed address.
  Endpoint allocate(Client& client) {
    if (client.nonce.empty()) greet(client);
    const auto view = answer(client, client.allocate());
    EXPECT_EQ(view.message_class(), stun::Class::Success);
    return view.xor_address(AttributeType::XorRelayedAddress).value_or(Endpoint{});
  }

  Client ann_{path_of(1), "ann", "apple"};
  Client bob_{path_of(2), "bob", "banana"};
  SeededGenerator random_{1};
  std::optional<TurnServer> server_;
  TimePoint now_{std::chrono::hours{1}};
  DatagramBatch batch_;
  bool open_relays_ = true;
  std::uint16_t next_port_ = 50'000;
  std::vector<NeedRelay> asked_;
  std::vector<RelayId> closed_;
  Bytes answer_;
};

}  // namespace linnet::turn_server::testing
