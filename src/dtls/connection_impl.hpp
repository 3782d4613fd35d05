#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/timer_table.hpp"
#include "dtls/connection.hpp"
#include "dtls/flight.hpp"
#include "dtls/handshake.hpp"
#include "dtls/record.hpp"
#include "dtls/record_protection.hpp"
#include "dtls/replay_window.hpp"
#include "dtls/secrets.hpp"

namespace linnet::dtls {

/// The state of a Connection, whose comments tell what each function is for. Split by procedure:
/// connection_handshake.cpp, connection_records.cpp (incoming), connection_close.cpp, connection.cpp (the rest).
class Connection::Impl {
 public:
  Impl(Options options, Generator& generator);

  void start(TimePoint now, Role role);
  void set_remote_fingerprints(std::vector<crypto::Fingerprint> fingerprints);
  void set_round_trip_time(Duration rtt) noexcept;
  void close(TimePoint now);
  std::span<const std::span<std::byte>> handle_packet(TimePoint now, std::span<std::byte> datagram);
  void handle_timeout(TimePoint now);
  TimePoint next_timeout() const noexcept { return timers_.next(); }
  std::size_t poll_packet(std::span<std::byte> out);
  std::optional<Event> poll_event();
  std::vector<std::vector<std::byte>> take_early_data();
  std::size_t seal(std::span<std::byte> record, std::size_t payload_size) noexcept;
  Result<> export_keying_material(std::string_view label, std::optional<std::span<const std::byte>> context_value,
                                  std::span<std::byte> out) const;

  const Options& options() const noexcept { return options_; }
  DtlsTransportState state() const noexcept { return state_; }
  std::optional<Role> role() const noexcept { return role_; }
  const RecordWriter& writer() const noexcept { return writer_; }
  const std::optional<Secrets>& secrets() const noexcept { return secrets_; }
  bool handshake_over() const noexcept { return handshake_over_; }
  std::string_view srtp_profile() const noexcept { return srtp_profile_; }
  std::span<const std::byte> remote_certificate() const noexcept { return remote_certificate_; }
  const Statistics& statistics() const noexcept { return statistics_; }

 private:
  enum class Timer : std::uint8_t { Resend, Total, AlertGrace, Count };
  struct PendingAlert {
    Alert alert;
    std::uint16_t epoch = 0;
  };

  void advance(TimePoint now) noexcept { now_ = std::max(now_, now); }  // law 4: an older time is harmless
  void set_state(DtlsTransportState state);
  void trace_flight(bool again) const;
  void trace_alert(Alert alert, bool sent, bool sealed) const;
  bool ended() const noexcept { return state_ == DtlsTransportState::Closed || state_ == DtlsTransportState::Failed; }

  // connection_handshake.cpp
  void handle_handshake_record(const Record& record);
  void handle_plaintext_handshake(const Record& record);
  void handle_plaintext_alert(const Record& record);
  void feed(const Record& record);
  void progress(Handshake::Status status);
  void begin_flight(std::vector<Message> messages, bool last);
  void install_keys();
  void finish_handshake();
  void check_fingerprint();
  void arm_resend() noexcept;
  void resend_if_due();

  // connection_records.cpp
  void handle_record(const Record& record);
  void handle_protected(const Record& record);
  void handle_protected_alert(std::span<const std::byte> alert);
  void keep_early_packet(std::span<const std::byte> datagram);
  void keep_early_record(const Record& record);
  void open_early_records();
  bool room_for_early(std::size_t packets, std::size_t bytes, std::size_t more) const noexcept;

  // connection_close.cpp
  void fail_handshake();
  void fail(Error error);
  void stop(DtlsTransportState state);
  void queue_alert(Alert alert, std::uint16_t epoch);
  void repeat_alert(std::span<std::byte> datagram);

  Options options_;
  Generator* generator_;
  DtlsTransportState state_ = DtlsTransportState::New;
  std::optional<Role> role_;
  TimePoint now_{};
  TimerTable<Timer> timers_;
  Duration first_timeout_;
  Duration timeout_;
  TimePoint flight_sent_{};
  unsigned resends_ = 0;  // of this flight, by our timer

  std::unique_ptr<Handshake> handshake_;  // while it lasts
  bool handshake_over_ = false;
  std::optional<std::vector<crypto::Fingerprint>> fingerprints_;
  std::vector<std::byte> remote_certificate_;
  std::string_view srtp_profile_;
  std::optional<Secrets> secrets_;
  std::optional<Alert> plaintext_alert_;

  Flight flight_;
  RecordWriter writer_;
  std::optional<RecordProtection> opener_;
  ReplayWindow replay_;
  std::deque<PendingAlert> alerts_;
  std::optional<PendingAlert> fatal_alert_;  // our last word, while somebody may have missed it
  TimePoint fatal_alert_sent_{};
  unsigned fatal_alert_repeats_ = 0;
  std::deque<Event> events_;
  Statistics statistics_;

  std::vector<std::vector<std::byte>> early_packets_;  // before start()
  std::vector<std::vector<std::byte>> early_records_;  // application data before the keys
  std::vector<std::vector<std::byte>> early_data_;     // decrypted, before the fingerprint or take_early_data()
  std::size_t early_packet_bytes_ = 0;
  std::size_t early_record_bytes_ = 0;
  std::size_t early_data_bytes_ = 0;
  std::uint64_t fed_ = 0;        // plaintext records given to OpenSSL
  unsigned early_finished_ = 0;  // records of epoch 1 that OpenSSL has to keep
  std::vector<std::span<std::byte>> payloads_;
};

}  // namespace linnet::dtls
