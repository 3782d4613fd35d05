#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "crypto/fingerprint.hpp"
#include "dtls/connection.hpp"
#include "ice/agent.hpp"
#include "linnet/core/datagram.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/core/time.hpp"
#include "sctp/association/association.hpp"
#include "transport/dtls_in_stun.hpp"
#include "transport/options.hpp"

namespace linnet::transport {

/// One BUNDLE: everything that shares one ICE component, told apart by RFC 7983: STUN for ICE, DTLS, and SCTP inside
/// DTLS. A PathMachine, owned by the session, which also speaks to `ice()` and `sctp()` directly; this class moves the
/// datagrams between them and starts each layer when the one below is ready. Never sees SDP and knows no channels.
class Transport {
 public:
  /// Closing is over: nothing will be sent or told any more.
  struct Finished {};
  using Event = std::variant<ice::Event, dtls::Connection::Event, sctp::Event, Finished>;

  Transport(Options options, Generator& generator);

  /// What an answer tells: DTLS begins as soon as there is a path. Once.
  struct Start {
    dtls::Role role = dtls::Role::Client;
    std::vector<crypto::Fingerprint> fingerprints{};
    std::uint16_t sctp_port = 5'000;
    /// INIT chunks of both ends that signaling has carried (draft-hancke-tsvwg-snap): SCTP begins from them when DTLS
    /// is connected, without a handshake. Empty: with one.
    std::vector<std::byte> local_sctp_init{};
    std::vector<std::byte> peer_sctp_init{};
  };
  void start(TimePoint now, Start start);
  [[nodiscard]] bool started() const noexcept { return start_.has_value(); }
  /// RFC 8842 section 5.5: a new DTLS association, and so a new SCTP one, on the path as it is.
  void restart_dtls(TimePoint now, Start start);
  /// The peer's certificate may also be one of these.
  void set_remote_fingerprints(std::vector<crypto::Fingerprint> fingerprints);

  /// Delivers what SCTP has queued, says good-bye on each layer, then tells Finished; bounded by
  /// `Options::close_timeout` and `close_limit`.
  void close(TimePoint now);
  /// Says good-bye once and tells Finished when that was polled, or at once when there is no path.
  void abort(TimePoint now);

  void handle_datagram(const Datagram& datagram);
  [[nodiscard]] Progress poll_transmit(TimePoint now, DatagramBatch& batch);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const noexcept;
  [[nodiscard]] std::optional<Event> poll_event();

  /// Reacts to what a verb on `ice()` or `sctp()` brought about: call it after them.
  void update(TimePoint now);

  [[nodiscard]] ice::Agent& ice() noexcept { return ice_; }
  [[nodiscard]] const ice::Agent& ice() const noexcept { return ice_; }
  /// Null before `start`.
  [[nodiscard]] sctp::Association* sctp() noexcept { return sctp_ ? &*sctp_ : nullptr; }
  [[nodiscard]] const sctp::Association* sctp() const noexcept { return sctp_ ? &*sctp_ : nullptr; }
  [[nodiscard]] const dtls::Connection& dtls() const noexcept { return *dtls_; }
  [[nodiscard]] const Statistics& statistics() const noexcept { return statistics_; }

 private:
  enum class Life : std::uint8_t {
    Running,
    Flushing,       ///< SCTP delivers what is queued and shuts down.
    SayingGoodbye,  ///< Only the last packets of SCTP and the alert of DTLS are left to poll.
    Leaving,        ///< Only what ICE has to say to TURN servers is.
    Finished,
  };

  TimePoint advance(TimePoint now) noexcept { return now_ = std::max(now_, now); }
  void start_dtls();
  [[nodiscard]] bool embedding() const noexcept { return embedded_ && !embedded_->over(); }
  void collect_flight();
  void take_embedded(ice::Embedded& embedded);
  [[nodiscard]] bool send_unsent(const Path& path, DatagramBatch& batch);
  void handle_records(std::span<std::byte> datagram, Ecn ecn);
  void start_sctp();
  void handle_dtls(const Datagram& datagram);
  [[nodiscard]] bool is_expected(const Path& path) const noexcept;
  void dtls_event(dtls::Connection::Event& event);
  void sctp_event(sctp::Event& event);
  void finish();
  void leave();
  [[nodiscard]] bool has_last_word() const;
  [[nodiscard]] std::size_t undelivered() const;
  [[nodiscard]] std::uint64_t signs_of_life() const;
  void give_up();
  [[nodiscard]] bool send_handshake(const Path& path, DatagramBatch& batch);
  [[nodiscard]] bool send_data(const Path& path, DatagramBatch& batch);
  void count_sent(const Path& path, std::size_t size);

  Options options_;
  Generator& generator_;
  TimePoint now_{};
  ice::Agent ice_;
  std::optional<dtls::Connection> dtls_;
  std::optional<sctp::Association> sctp_;
  std::optional<Start> start_;
  std::optional<DtlsInStun> embedded_;
  DtlsInStun::Datagrams unsent_;  ///< Of the handshake, for the path that there is now.
  bool dtls_running_ = false;
  Life life_ = Life::Running;
  TimePoint deadline_ = never;
  TimePoint close_by_ = never;
  std::size_t undelivered_ = 0;  ///< When the deadline was set.
  std::uint64_t heard_ = 0;      ///< Signs of life when the deadline of closing was last moved.
  /// The path that the last DTLS datagram was accepted from.
  std::optional<Path> accepted_;
  std::deque<Event> events_;
  Statistics statistics_;
};

}  // namespace linnet::transport
