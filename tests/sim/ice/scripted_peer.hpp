#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "ice/agent.hpp"
#include "sim/random.hpp"
#include "stun/message_builder.hpp"
#include "stun/message_view.hpp"

namespace linnet::ice {

/// A controlled agent, and a controlling peer that does only what the test tells it: each check and each answer by
/// itself, in any order, with any attributes. No network between them; the clock is the test's.
class ScriptedPeer {
 public:
  struct Check {
    bool use_candidate = false;
    std::optional<std::uint32_t> nomination{};
    std::vector<std::uint16_t> unknown{};  ///< Types of attributes that nobody knows.
    std::optional<std::string> username{};
    std::optional<std::string> password{};
    bool has_username = true;
    bool has_integrity = true;
  };
  using Message = std::vector<std::byte>;

  explicit ScriptedPeer(Options options = {}) : agent(std::move(options), random_) {
    agent.set_role(now_, IceRole::Controlled);
    agent.gather(now_);
    agent.add_socket(now_, {.local = local_});
    agent.sockets_done(now_);
    poll();
  }
  /// The peer's description arrives.
  void describe() {
    EXPECT_TRUE(agent.set_remote(now_, {.credentials = credentials}));
    poll();
  }

  /// Signals a host candidate; the pair's path. All pairs have a foundation of their own.
  Path add_candidate(std::uint8_t host, std::uint32_t priority) {
    const auto candidate = parse_candidate("candidate:" + std::to_string(host) + " 1 udp " + std::to_string(priority) +
                                           " 10.0.0." + std::to_string(host) + " 5000 typ host");
    EXPECT_TRUE(agent.add_remote_candidate(now_, candidate.value()));
    poll();
    return path_from(host);
  }
  [[nodiscard]] Path path_from(std::uint8_t host) const { return {local_, {IpAddress::v4({10, 0, 0, host}), 5'000}}; }

  /// The peer's check on `path`; what the agent says to it, empty when it says nothing.
  Message check(const Path& path, const Check& check) {
    const auto id = stun::TransactionId::random(random_);
    std::array<std::byte, 512> buffer{};
    stun::MessageBuilder request{buffer, stun::Class::Request, stun::Method::Binding, id};
    const std::string username = agent.local_credentials().ufrag + ':' + credentials.ufrag;
    if (check.has_username) request.text(stun::AttributeType::Username, check.username.value_or(username));
    request.u32(stun::AttributeType::Priority, 1'000'000).u64(stun::AttributeType::IceControlling, 1);
    if (check.use_candidate) request.flag(stun::AttributeType::UseCandidate);
    if (check.nomination) request.u32(stun::AttributeType::Nomination, *check.nomination);
    for (const std::uint16_t type : check.unknown) request.u32(static_cast<stun::AttributeType>(type), 7);
    if (check.has_integrity) {
      request.integrity(as_bytes(check.password.value_or(agent.local_credentials().pwd)));
    }
    deliver(path, std::span{buffer}.first(request.fingerprint().finish()));
    return std::exchange(response_, {});
  }
  void nominate(const Path& path, std::optional<std::uint32_t> nomination = {}) {
    const Message response = check(path, {.use_candidate = true, .nomination = nomination});
    const auto message = stun::MessageView::parse(response);
    ASSERT_TRUE(message);
    ASSERT_EQ(message->message_class(), stun::Class::Success);
  }

  /// The peer's answer to the last check that the agent sent on `path`; false when there is none that it owes. It
  /// arrives on `by`.
  [[nodiscard]] bool answer(const Path& path, std::optional<std::uint16_t> unknown = {}, std::optional<Path> by = {},
                            std::optional<Endpoint> seen_at = {}) {
    const auto request = std::ranges::find(requests_, path, &Request::path);
    if (request == requests_.end()) return false;
    std::array<std::byte, 256> buffer{};
    stun::MessageBuilder response{buffer, stun::Class::Success, stun::Method::Binding, request->id};
    response.xor_address(stun::AttributeType::XorMappedAddress, seen_at.value_or(path.local));
    if (unknown) response.u32(static_cast<stun::AttributeType>(*unknown), 7);
    requests_.erase(request);
    deliver(by.value_or(path),
            std::span{buffer}.first(response.integrity(as_bytes(credentials.pwd)).fingerprint().finish()));
    return true;
  }
  /// The network loses the agent's check on `path`.
  [[nodiscard]] bool lose(const Path& path) {
    return std::erase_if(requests_, [&](const Request& r) { return r.path == path; }) != 0;
  }
  void run_for(Duration time) {
    const TimePoint end = now_ + time;
    while (agent.next_timeout() <= end) {
      now_ = std::max(now_, agent.next_timeout());
      agent.handle_timeout(now_);
      poll();
    }
    now_ = end;
  }

  [[nodiscard]] const CandidatePair* pair(const Path& path) const {
    const auto it = std::ranges::find(agent.pairs(), path, &CandidatePair::path);
    return it == agent.pairs().end() ? nullptr : &*it;
  }

 private:
  SeededGenerator random_{1};

 public:
  const Credentials credentials{"peerpeer", "thePeersPassword+1234567"};
  Agent agent;

 private:
  struct Request {
    Path path;
    stun::TransactionId id;
  };
  void deliver(const Path& path, std::span<std::byte> bytes) {
    ASSERT_FALSE(bytes.empty());
    agent.handle_datagram({.at = now_, .path = path, .bytes = bytes});
    poll();
  }
  void poll() {
    DatagramBatch batch;
    ASSERT_EQ(agent.poll_transmit(now_, batch), Progress::Done);
    for (const DatagramBatch::Run& run : batch.runs()) {
      const std::size_t size = run.segment_size == 0 ? run.bytes.size() : run.segment_size;
      for (std::size_t at = 0; at < run.bytes.size(); at += size) {
        const auto bytes = run.bytes.subspan(at, std::min(size, run.bytes.size() - at));
        const auto message = stun::MessageView::parse(bytes);
        ASSERT_TRUE(message);
        if (message->message_class() == stun::Class::Request) {
          (void)lose(run.path);
          requests_.push_back({run.path, message->transaction_id()});
        } else {
          response_.assign(bytes.begin(), bytes.end());
        }
      }
    }
    while (agent.poll_event()) {
    }
  }

  const Endpoint local_{IpAddress::v4({10, 0, 0, 1}), 4'000};
  TimePoint now_{};
  std::vector<Request> requests_;  ///< The last one on each path.
  Message response_;
};

}  // namespace linnet::ice
