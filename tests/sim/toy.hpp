#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/core/time.hpp"
#include "sim/law_run.hpp"

namespace linnet::sim {

/// What may be wrong with a toy: one for each law, and a second where a law has two sides.
enum class Defect : std::uint8_t {
  None,
  GlobalCounter,    ///< Law 1: a number that goes on from run to run.
  SharedState,      ///< Law 2: the latest machine's nonce is everyone's.
  PollChanges,      ///< Law 3: an empty poll uses up a sequence number.
  WedgesUnpolled,   ///< Law 3: an input while output waits breaks it.
  TrustsTime,       ///< Law 4: an older time moves its timer.
  StuckTimeout,     ///< Law 5: the timer stays where it was.
  EndlessOutput,    ///< Law 5: there is always one more packet.
  TalksAfterClose,  ///< Law 6: still answers a greeting.
  TimerAfterClose,  ///< Law 6: forgets to stop a timer.
  Grows,            ///< Law 7: keeps what it does not know.
};

/// The smallest machine with a handshake, a retransmission timer and an orderly end: HELLO and WELCOME, then
/// numbered DATA and ACK one at a time, then BYE. It shows what the laws ask for and, with a defect, that
/// they notice.
class Toy {
 public:
  struct Connected {};
  struct Received {};
  using Event = std::variant<Connected, Received>;
  static constexpr std::size_t packet_size = 17;
  static constexpr std::size_t queue_limit = 16;

  Toy(Defect defect, Generator& generator) : defect_(defect), nonce_(generator.next_u64()) {}

  void start(TimePoint now) {
    if (state_ != State::Fresh) return;
    state_ = State::Connecting;
    if (defect_ == Defect::SharedState) shared_nonce() = nonce_;
    emit(Kind::Hello, 0);
    arm(now);
  }
  bool send(TimePoint now) {
    if (state_ != State::Connected || unsent_ == queue_limit) return false;
    ++unsent_;
    next_data(now);
    return true;
  }
  void close(TimePoint) {
    if (state_ == State::Closed) return;
    out_.clear();
    events_.clear();
    if (state_ != State::Fresh) emit(Kind::Bye, 0);
    state_ = State::Closed;
    if (defect_ != Defect::TimerAfterClose) deadline_ = never;
  }
  [[nodiscard]] bool connected() const noexcept { return state_ == State::Connected; }

  void handle_packet(TimePoint now, std::span<std::byte> in) {
    if (defect_ == Defect::WedgesUnpolled && !out_.empty()) state_ = State::Closed;
    ByteReader reader{in};
    const auto kind = static_cast<Kind>(reader.u8());
    const std::uint64_t nonce = reader.u64();
    const std::uint64_t number = reader.u64();
    if (state_ == State::Closed) {
      if (defect_ == Defect::TalksAfterClose && reader.ok() && kind == Kind::Hello) emit(Kind::Welcome, nonce);
      return;
    }
    if (state_ == State::Fresh || !reader.ok() || reader.remaining() != 0) {
      if (defect_ == Defect::Grows) hoard_.emplace_back(in.begin(), in.end());
      return;
    }
    if (kind == Kind::Hello) emit(Kind::Welcome, nonce);
    if (kind == Kind::Welcome && number == nonce_ && state_ == State::Connecting) {
      state_ = State::Connected;
      deadline_ = never;
      notify(Connected{});
    }
    if (kind == Kind::Data && state_ == State::Connected) {
      emit(Kind::Ack, number);
      notify(Received{});
    }
    if (kind == Kind::Ack && waiting_ && number == sequence_) {
      waiting_ = false;
      deadline_ = never;
      next_data(now);
    }
  }
  void handle_timeout(TimePoint now) {
    latest_ = std::max(latest_, now);
    if (defect_ == Defect::TrustsTime && deadline_ != never && now < deadline_) deadline_ = now + rto;
    if (now < deadline_) return;
    if (state_ == State::Connecting) emit(Kind::Hello, 0);
    if (waiting_) emit(Kind::Data, sequence_);
    if (defect_ == Defect::StuckTimeout) return;
    if (state_ == State::Connecting || waiting_)
      arm(now);
    else if (defect_ == Defect::TimerAfterClose)
      arm(now);
    else
      deadline_ = never;
  }
  [[nodiscard]] TimePoint next_timeout() const noexcept { return deadline_; }
  [[nodiscard]] std::optional<Event> poll_event() {
    if (events_.empty()) return std::nullopt;
    const Event event = events_.front();
    events_.erase(events_.begin());
    return event;
  }
  [[nodiscard]] std::size_t poll_packet(TimePoint, std::span<std::byte> out) {
    if (out_.empty()) {
      if (defect_ == Defect::PollChanges) ++sequence_;
      if (defect_ == Defect::EndlessOutput && state_ == State::Connected)
        emit(Kind::Ack, 0);
      else
        return 0;
    }
    std::ranges::copy(out_.front(), out.begin());
    out_.erase(out_.begin());
    return packet_size;
  }

 private:
  enum class State : std::uint8_t { Fresh, Connecting, Connected, Closed };
  enum class Kind : std::uint8_t { Hello = 1, Welcome, Data, Ack, Bye };
  static constexpr Duration rto = std::chrono::milliseconds{200};

  static std::uint64_t& global_counter() {
    static std::uint64_t counter = 0;
    return counter;
  }
  static std::uint64_t& shared_nonce() {
    static std::uint64_t nonce = 0;
    return nonce;
  }
  // Time is clamped: what is older than the latest time is taken for the latest.
  void arm(TimePoint now) {
    latest_ = std::max(latest_, now);
    deadline_ = latest_ + rto;
  }
  void next_data(TimePoint now) {
    if (waiting_ || unsent_ == 0) return;
    --unsent_;
    waiting_ = true;
    emit(Kind::Data, ++sequence_);
    arm(now);
  }
  void emit(Kind kind, std::uint64_t number) {
    if (out_.size() == queue_limit) return;
    ByteWriter writer{out_.emplace_back()};
    writer.u8(static_cast<std::uint8_t>(kind));
    writer.u64(defect_ == Defect::SharedState ? shared_nonce() : nonce_);
    writer.u64(defect_ == Defect::GlobalCounter ? ++global_counter() : number);
  }
  void notify(Event event) {
    if (events_.size() < queue_limit) events_.push_back(event);
  }

  Defect defect_;
  std::uint64_t nonce_;
  State state_ = State::Fresh;
  TimePoint deadline_ = never;
  TimePoint latest_ = TimePoint::min();
  std::vector<std::array<std::byte, packet_size>> out_;
  std::vector<Event> events_;
  std::vector<std::vector<std::byte>> hoard_;
  std::size_t unsent_ = 0;
  std::uint64_t sequence_ = 0;
  bool waiting_ = false;
};

template <Defect defect>
class ToyFixture {
 public:
  using Machine = Toy;
  static constexpr std::int64_t memory_limit = 64 * 1'024;
  static constexpr std::size_t hostile_inputs = 20'000;

  explicit ToyFixture(Generator& random) : a_(defect, random), b_(defect, random) {}
  Toy& machine(Side side) { return side == Side::A ? a_ : b_; }
  void start(TimePoint now) {
    a_.start(now);
    b_.start(now);
  }
  [[nodiscard]] bool ready() const { return a_.connected() && b_.connected(); }
  void act(TimePoint now, Side side, Generator&) { (void)machine(side).send(now); }
  void close(TimePoint now, Side side) { machine(side).close(now); }

 private:
  Toy a_;
  Toy b_;
};

}  // namespace linnet::sim
