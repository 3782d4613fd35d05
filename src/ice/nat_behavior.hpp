#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "linnet/core/datagram.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/nat_behavior.hpp"
#include "stun/message_view.hpp"

namespace linnet::ice {

/// Finds out how the NAT between us and one STUN server behaves: RFC 5780 sections 3 and 4 where the server can, else
/// what a comparison with other servers tells. Owned by whoever asks, who gives it two sockets of its own on one
/// address; knows no candidates and no TURN. When `done()`, it has nothing more to say and needs the sockets no longer.
///
/// The first socket finds the mapping, and by that opens filters; so the second one, which speaks to the server's first
/// address alone, finds the filtering. Each speaks to where the other one is seen: if that arrives, the NAT hairpins.
class NatBehavior {
 public:
  struct Options {
    Endpoint server;
    std::vector<Endpoint> others{};  ///< STUN servers to compare with when `server` cannot do RFC 5780.
    // Deviation: RFC 8489 section 6.2.1 doubles the interval. Here no answer is a finding, so that a lost one must be
    // unlikely, and soon: a dozen small datagrams in three seconds.
    Duration interval = std::chrono::milliseconds{250};
    unsigned sends = 12;
    Duration last_wait = std::chrono::seconds{1};
    std::size_t max_others = 4;
  };

  /// Why something stayed unknown.
  enum class Unknown : std::uint8_t {
    Nothing,        ///< It is known.
    NoAnswer,       ///< The server does not answer.
    ServerCannot,   ///< It has no second address (RFC 5780), and there is no other server to compare with.
    OtherSilent,    ///< Its second address, or the other servers, do not answer.
    AnswersWrongly  ///< It answers from elsewhere than it was asked to.
  };
  struct Result {
    std::optional<Duration> round_trip{};  ///< Of the first answer; of a request that was sent once.
    std::optional<Endpoint> mapped{};      ///< Where the server sees the first socket.
    std::uint16_t error_code = 0;          ///< The server's, when it refuses.
    std::string error_text{};
    bool translated = false;  ///< `mapped` is not the socket's own address: there is a NAT.
    bool discovers = false;   ///< The server has a second address and says so.
    NatMapping mapping = NatMapping::Unknown;
    Unknown mapping_unknown = Unknown::NoAnswer;
    unsigned compared = 0;  ///< With how many other servers, when the server itself could not.
    NatFiltering filtering = NatFiltering::Unknown;
    Unknown filtering_unknown = Unknown::NoAnswer;
    std::optional<bool> hairpins{};  ///< Nothing: it was not tried, as there is no NAT.
  };
  struct Done {};
  using Event = std::variant<Done>;

  NatBehavior(Options options, Generator& generator);

  /// Once. The endpoints of two sockets.
  void start(TimePoint now, const Endpoint& first, const Endpoint& second);
  /// No more; the result is what is known so far.
  void close(TimePoint now);

  void handle_datagram(const Datagram& datagram);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const noexcept;
  [[nodiscard]] Progress poll_transmit(TimePoint now, DatagramBatch& batch);
  [[nodiscard]] std::optional<Event> poll_event();

  [[nodiscard]] bool done() const noexcept { return state_ == State::Done; }
  [[nodiscard]] Result result() const;

 private:
  enum class State : std::uint8_t { New, Running, Done };
  enum class Test : std::uint8_t {
    Reach,            ///< First socket to the server.
    ReachSecond,      ///< Second socket to the server.
    OtherAddress,     ///< First socket to the other address, same port (RFC 5780 section 4.3, test II).
    OtherBoth,        ///< First socket to the other address and port (test III).
    Compare,          ///< First socket to another server.
    AnswerFromBoth,   ///< Second socket: answer from the other address and port (section 4.4, test II).
    AnswerFromPort,   ///< Second socket: answer from the other port (test III).
    Hairpin,          ///< First socket to where the second one is seen (section 4.5),
    HairpinBackwards  ///< and the other way round, which opens the first one's filter.
  };
  struct Trial {
    Test test;
    Path path;
    stun::TransactionId id;
    std::uint32_t change = 0;
    unsigned sends = 0;
    TimePoint first_sent{};
    TimePoint next{};  ///< Of the next send, or the end.
    bool over = false;
    std::optional<Endpoint> mapped{};  ///< What was answered,
    std::optional<Endpoint> other{};
    bool elsewhere = false;  ///< and whether from where it was asked to.
    std::uint16_t error_code = 0;
    std::string error_text{};
    std::optional<Duration> round_trip{};
    bool arrived = false;  ///< Of Hairpin.
  };

  void advance(TimePoint now) noexcept { now_ = now > now_ ? now : now_; }
  void begin(Test test, const Endpoint& from, const Endpoint& to, std::uint32_t change = 0);
  void answered(Trial& trial, const Endpoint& from, const stun::MessageView& message);
  void reached();
  void try_hairpin();
  void finish_when_over();
  [[nodiscard]] bool is_plausible(const Endpoint& endpoint) const noexcept;
  [[nodiscard]] const Trial* find(Test test) const noexcept;
  [[nodiscard]] std::optional<Endpoint> seen(Test test) const noexcept;
  [[nodiscard]] std::optional<Endpoint> other_address() const noexcept;
  void judge_mapping(Result& out) const;
  void judge_mapping_by_others(Result& out) const;
  void judge_filtering(Result& out) const;

  Options options_;
  Generator& generator_;
  TimePoint now_{};
  State state_ = State::New;
  Endpoint first_{};
  Endpoint second_{};
  std::vector<Trial> trials_;
  std::deque<std::size_t> due_;  ///< Trials to be sent.
  std::deque<Event> events_;
};

}  // namespace linnet::ice
