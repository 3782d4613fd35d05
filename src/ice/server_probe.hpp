#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ice/server.hpp"
#include "ice/stun_transaction.hpp"
#include "ice/turn/turn_client.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/core/time.hpp"

namespace linnet::ice {

/// Asks one STUN or TURN server whether it serves us: a Binding, or an allocation that is given back at once. Owned by
/// whoever asks, who has a socket or an open stream to the server; knows no addresses of its own.
class ServerProbe {
 public:
  enum class Outcome : std::uint8_t { Pending, Served, Refused, NoAnswer };
  struct Result {
    Outcome outcome = Outcome::Pending;
    std::uint16_t error_code = 0;
    std::string text{};
    std::optional<Duration> round_trip{};  ///< Of the first answer, to a request that was sent once.
    std::optional<Endpoint> mapped{};
    std::vector<Endpoint> relayed{};
  };

  ServerProbe(Server server, Duration limit, Generator& generator);

  /// Once.
  void start(TimePoint now);
  /// No more; a relay that was given is given back, if the goodbye is polled and sent.
  void close(TimePoint now);
  void handle_packet(TimePoint now, std::span<std::byte> bytes);
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const noexcept;
  [[nodiscard]] const Result& result() const noexcept { return result_; }

 private:
  void advance(TimePoint now) noexcept { now_ = now > now_ ? now : now_; }
  void heard(const stun::MessageView& message);
  void take_events();

  Server server_;
  Duration limit_;
  Generator& generator_;
  TimePoint now_{};
  std::optional<turn::TurnClient> client_;
  stun::TransactionId id_{};
  StunTransaction binding_;
  bool binding_due_ = false;
  bool started_ = false;
  unsigned sent_ = 0;
  TimePoint sent_at_{};
  Result result_;
};

}  // namespace linnet::ice
