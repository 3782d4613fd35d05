#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "sim/as_pipe.hpp"
#include "sim/laws_suite.hpp"
#include "turn_server/testing_client.hpp"
#include "turn_server/turn_server.hpp"

namespace linnet::sim {
namespace {

using turn_server::TurnServer;
using turn_server::testing::Bytes;

const Endpoint at_server{.address = IpAddress::v4({192, 0, 2, 1}), .port = 3'478};
const Endpoint at_client{.address = IpAddress::v4({203, 0, 113, 1}), .port = 50'000};
const Endpoint at_peer{.address = IpAddress::v4({203, 0, 113, 9}), .port = 5'000};

/// As little of a TURN client as is needed to talk to a server: one request at a time, repeated until it is answered.
class ToyClient {
 public:
  void start(TimePoint now) { ask(now, Wish::Allocate); }
  [[nodiscard]] bool ready() const { return allocated_; }
  void close() {
    closed_ = true;
    queue_.clear();
    deadline_ = never;
  }
  void act(TimePoint now, Generator& random) {
    switch (random.below(5)) {
      case 0: return ask(now, Wish::Permit);
      case 1: return ask(now, Wish::Bind);
      case 2: return ask(now, random.below(4) == 0 ? Wish::End : Wish::Refresh);
      case 3: return push(turn_server::testing::Client::channel_data(0x4000, Bytes(100)));
      default: return push(client_.send(at_peer, Bytes(50)));
    }
  }

  void handle_packet(TimePoint now, std::span<const std::byte> bytes) {
    now_ = std::max(now_, now);
    const auto reply = stun::MessageView::parse(bytes);
    if (closed_ || !reply || !reply->verify_fingerprint() || pending_.empty()) return;
    if (reply->transaction_id() != stun::MessageView::parse(pending_)->transaction_id()) return;
    const auto error = reply->error_code();
    deadline_ = never;
    pending_.clear();
    if (error && (error->code == 401 || error->code == 438)) {
      client_.learn(bytes);
      return ask(now_, wish_);
    }
    if (wish_ == Wish::Allocate) allocated_ = true;
    if (error && error->code == 437 && wish_ != Wish::End) ask(now_, Wish::Allocate);
  }
  void handle_timeout(TimePoint now) {
    now_ = std::max(now_, now);
    if (deadline_ > now_) return;
    deadline_ = now_ + patience;
    push(pending_);
  }
  [[nodiscard]] TimePoint next_timeout() const noexcept { return deadline_; }
  [[nodiscard]] std::size_t poll_packet(std::span<std::byte> out) {
    if (queue_.empty()) return 0;
    const Bytes bytes = std::move(queue_.front());
    queue_.pop_front();
    std::ranges::copy(bytes, out.begin());
    return bytes.size();
  }

 private:
  enum class Wish : std::uint8_t { Allocate, Permit, Bind, Refresh, End };
  static constexpr Duration patience = std::chrono::milliseconds{500};

  void ask(TimePoint now, Wish wish) {
    now_ = std::max(now_, now);
    if (closed_ || !pending_.empty()) return;
    wish_ = wish;
    switch (wish) {
      case Wish::Allocate: pending_ = client_.allocate(); break;
      case Wish::Permit: pending_ = client_.permit({at_peer}); break;
      case Wish::Bind: pending_ = client_.bind(0x4000, at_peer); break;
      case Wish::Refresh: pending_ = client_.refresh(600); break;
      case Wish::End: pending_ = client_.refresh(0); break;
    }
    deadline_ = now_ + patience;
    push(pending_);
  }
  void push(Bytes bytes) {
    if (!closed_ && queue_.size() < 100) queue_.push_back(std::move(bytes));
  }

  turn_server::testing::Client client_{{.local = at_client, .remote = at_server}, "ann", "apple"};
  TimePoint now_{};
  TimePoint deadline_ = never;
  Wish wish_ = Wish::Allocate;
  Bytes pending_;
  std::deque<Bytes> queue_;
  bool allocated_ = false;
  bool closed_ = false;
};

/// Either end of the path.
class End {
 public:
  using Event = TurnServer::Event;

  explicit End(TurnServer& server) : server_(std::in_place, server, Path{at_server, at_client}) {}
  End() = default;

  void handle_timeout(TimePoint now) { server_ ? server_->handle_timeout(now) : client.handle_timeout(now); }
  [[nodiscard]] TimePoint next_timeout() const noexcept {
    return server_ ? server_->next_timeout() : client.next_timeout();
  }
  [[nodiscard]] std::optional<Event> poll_event() { return server_ ? server_->poll_event() : std::nullopt; }
  void handle_packet(TimePoint now, std::span<std::byte> bytes) {
    server_ ? server_->handle_packet(now, bytes) : client.handle_packet(now, bytes);
  }
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out) {
    return server_ ? server_->poll_packet(now, out) : client.poll_packet(out);
  }

  ToyClient client;

 private:
  std::optional<AsPipe<TurnServer>> server_;
};

class TurnServerFixture {
 public:
  using Machine = End;

  explicit TurnServerFixture(Generator& random) : server_(options(), random), a_(server_) {}

  Machine& machine(Side side) { return side == Side::A ? a_ : b_; }
  void start(TimePoint now) { b_.client.start(now); }
  [[nodiscard]] bool ready() const { return b_.client.ready(); }
  void act(TimePoint now, Side side, Generator& random) {
    if (side == Side::B) return b_.client.act(now, random);
    switch (random.below(6)) {
      case 0: return server_.disconnected(now, {at_server, at_client});
      case 1: return server_.relay_failed(now, turn_server::RelayId{random.below(5)});
      default: {
        Bytes data(random.below(1'200));
        server_.handle_datagram({.at = now, .path = {relay(next_port_), at_peer}, .bytes = data});
      }
    }
  }
  void close(TimePoint now, Side side) { side == Side::A ? server_.close(now) : b_.client.close(); }
  void on_event(TimePoint now, Side, TurnServer::Event& event) {
    const auto* need = std::get_if<turn_server::NeedRelay>(&event);
    if (!need) return;
    ++next_port_;
    server_.relay_opened(now, need->id, {relay(next_port_), relay(next_port_)});
  }

 private:
  static turn_server::Options options() {
    return {.users = {{"ann", "apple"}}, .max_queued_bytes = 300'000, .max_queued_datagrams = 1'000};
  }
  static Endpoint relay(std::uint16_t port) { return {at_server.address, port}; }

  TurnServer server_;
  Machine a_;
  Machine b_;
  std::uint16_t next_port_ = 49'152;
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(TurnServer, SevenLaws, TurnServerFixture);

}  // namespace linnet::sim
