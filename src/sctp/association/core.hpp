#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/timer_table.hpp"
#include "linnet/core/datagram.hpp"
#include "linnet/core/error.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/states.hpp"
#include "sctp/association/association_trace.hpp"
#include "sctp/association/event.hpp"
#include "sctp/association/init_chunk.hpp"
#include "sctp/association/message.hpp"
#include "sctp/association/options.hpp"
#include "sctp/association/state_cookie.hpp"
#include "sctp/association/statistics.hpp"
#include "sctp/association/stream_reset.hpp"
#include "sctp/packet/chunk.hpp"
#include "sctp/packet/packet_writer.hpp"
#include "sctp/rx/data_tracker.hpp"
#include "sctp/rx/reassembly_queue.hpp"
#include "sctp/rx/receive_window.hpp"
#include "sctp/tx/congestion/congestion_control.hpp"
#include "sctp/tx/outstanding_data.hpp"
#include "sctp/tx/path_mtu.hpp"
#include "sctp/tx/retransmission_timeout.hpp"
#include "sctp/tx/send_queue.hpp"

namespace linnet::sctp {

/// The machine behind Association, which owns it and forwards to it. One file for each procedure:
/// core.cpp (verbs, dispatch, events), core_connect.cpp, core_data.cpp, core_recovery.cpp (timers of what is in
/// flight), core_control.cpp (heartbeat, errors, resets), core_shutdown.cpp, core_output.cpp (everything that is
/// written), core_timers.cpp, core_trace.cpp.
class Core {
 public:
  Core(Options options, Generator& generator);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  void handle_packet(TimePoint now, std::span<const std::byte> packet, Ecn ecn);
  void handle_timeout(TimePoint now);
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out);
  [[nodiscard]] TimePoint next_timeout() const noexcept {
    return state_ == State::Gone ? timers_.next() : std::min(event_owed_at_, timers_.next());
  }
  [[nodiscard]] std::optional<Event> poll_event();

  void connect(TimePoint now);
  [[nodiscard]] Result<> connect(TimePoint now, const ExchangedInits& inits);
  [[nodiscard]] Result<> send(TimePoint now, StreamId stream, Ppid ppid, std::span<const std::byte> payload,
                              const SendOptions& options);
  [[nodiscard]] std::optional<Message> receive(StreamId stream);
  [[nodiscard]] Result<> reset_streams(TimePoint now, std::span<const StreamId> streams);
  void shutdown(TimePoint now);
  void abort(TimePoint now, std::string_view reason);
  void carrier_closed(TimePoint now);
  void path_changed(TimePoint now);
  [[nodiscard]] std::size_t packet_room() const noexcept;
  [[nodiscard]] Sizing sizing() const noexcept { return sizing_; }
  void set_low_threshold(StreamId stream, std::size_t threshold) { queue_.set_low_threshold(stream, threshold); }
  void set_weight(StreamId stream, std::uint16_t weight) { queue_.set_weight(stream, weight); }

  [[nodiscard]] Ecn ecn() const noexcept {
    return tcb_ && tcb_->handshake.ecn && state_ >= State::Established && state_ != State::Gone ? Ecn::Ect0
                                                                                                : Ecn::NotEct;
  }
  [[nodiscard]] SctpTransportState public_state() const noexcept;
  [[nodiscard]] std::size_t buffered(StreamId stream) const noexcept { return queue_.buffered(stream); }
  [[nodiscard]] std::size_t total_buffered() const noexcept { return queue_.total_buffered(); }
  [[nodiscard]] std::size_t send_room() const noexcept;
  [[nodiscard]] bool resetting(StreamId stream) const noexcept { return queue_.resetting(stream); }
  [[nodiscard]] std::uint16_t outgoing_streams() const noexcept { return tcb_ ? tcb_->handshake.outgoing_streams : 0; }
  [[nodiscard]] std::uint16_t incoming_streams() const noexcept { return tcb_ ? tcb_->handshake.incoming_streams : 0; }
  [[nodiscard]] bool interleaving() const noexcept { return tcb_ && tcb_->handshake.interleaving; }
  [[nodiscard]] Statistics statistics() const;

 private:
  /// RFC 9260 section 4; `Gone` is CLOSED for good.
  enum class State : std::uint8_t {
    Closed,
    CookieWait,
    CookieEchoed,
    Established,
    ShutdownPending,
    ShutdownSent,
    ShutdownReceived,
    ShutdownAckSent,
    Gone,
  };
  enum class Timer : std::uint8_t {
    Handshake,
    Shutdown,
    ShutdownGuard,
    Probe,  // before Retransmission: it takes its place when both are due
    Reordering,
    Retransmission,
    Ack,
    Heartbeat,
    Reconfig,
    Pacing,
    PathMtu,
    Count
  };

  /// What exists only once the peer's INIT or INIT-ACK is known (the RFC's TCB).
  struct Tcb {
    Tcb(const Handshake& with, Core& core);
    Handshake handshake;
    DataTracker tracker;
    OutstandingData outstanding;
    CongestionControl congestion;
    StreamReset reset;
    std::size_t peer_window;
    bool forward_due = false;
    Tsn forward_sent;
    TimePoint forward_sent_at{};
    TimePoint last_data_at{};
    bool probe = false;                // one chunk may go out whatever the peer's window says
    unsigned probes = 0;               // since the window closed
    std::size_t largest_fragment = 0;  // of what is outstanding, or more
    std::optional<Tsn> marked{};    // the lowest TSN of a packet with a congestion mark, until the peer has heard of it
    std::optional<Tsn> send_cwr{};  // that we have heard of the peer's
    std::optional<Tsn> reduced{};   // the highest TSN sent when a mark shrank the window
    bool fast_retransmit = false;   // one packet may go out whatever the congestion window says
    bool ack_asked = false;         // the newest DATA chunk bore the I bit: the peer does not delay its SACK
  };
  /// An answer outside of the association: INIT-ACK, or ABORT of a bad INIT. The last one wins.
  struct Reply {
    ChunkType type{};
    std::uint32_t tag = 0;
    std::uint32_t local_tag = 0;
    Tsn local_initial;
    std::array<std::byte, StateCookie::size> cookie{};
    bool zero_checksum = false;
    CauseCode cause{};
  };
  /// The only packet left when the association is gone.
  enum class Final : std::uint8_t { None, Abort, ShutdownComplete };

  void clamp(TimePoint now) noexcept;
  void drop(std::span<const std::byte> packet);
  /// Whether the chunks after this one are to be looked at.
  bool handle_chunk(const CommonHeader& header, const ChunkView& chunk, bool single);
  [[nodiscard]] bool tag_accepted(const CommonHeader& header, const ChunkView& chunk, bool single) const noexcept;
  bool handle_unknown_chunk(const ChunkView& chunk);
  void progress();

  // core_connect.cpp
  void send_init();
  void handle_init(const ChunkView& chunk);
  void handle_init_ack(const ChunkView& chunk);
  /// False: refused. Then the packet's tag proves nothing, and what stands behind the cookie must not be read.
  bool handle_cookie_echo(const ChunkView& chunk, const CommonHeader& header);
  void handle_cookie_ack();
  /// False: it is not what was agreed when data was sent.
  [[nodiscard]] bool learn_peer(const Handshake& handshake);
  void establish();
  void handshake_timed_out();

  // core_data.cpp
  /// Whether the chunks after this one are to be looked at.
  bool handle_data(const ChunkView& chunk);
  void store(const DataChunk& data);
  void handle_sack(const ChunkView& chunk);
  void acknowledged(const AckResult& result, std::size_t flight_before);
  bool handle_forward_tsn(const ChunkView& chunk);
  void forward_streams(Tsn cumulative, ByteReader& reader);
  void forward_messages(ByteReader& reader);
  void data_packet_ended();
  [[nodiscard]] bool window_allows(std::size_t size);
  [[nodiscard]] std::size_t window_now() const noexcept;

  // core_recovery.cpp
  void retransmission_timed_out();
  void reordering_timed_out();
  void probe_timed_out();
  void resume();
  /// After everything that changes what is in flight.
  void arm_recovery_timers();
  [[nodiscard]] bool peer_may_wait() const noexcept;
  [[nodiscard]] Duration retransmission_delay() const noexcept;

  // core_control.cpp
  void handle_heartbeat(const ChunkView& chunk);
  void handle_heartbeat_ack(const ChunkView& chunk);
  void heartbeat_timed_out();
  void handle_ecn_echo(const ChunkView& chunk);
  void handle_cwr(const ChunkView& chunk);
  void handle_error(const ChunkView& chunk);
  void handle_abort(const ChunkView& chunk);
  void handle_reconfig(const ChunkView& chunk);
  void end_reset(StreamReset::Outcome outcome);
  void collect_incoming_resets();
  void report_error(CauseCode cause, std::span<const std::byte> information);
  /// Counts a timeout; false when the association failed by it.
  bool count_error();

  // core_shutdown.cpp
  void handle_shutdown(const ChunkView& chunk);
  void handle_shutdown_ack();
  void handle_shutdown_complete();
  void shutdown_timed_out();
  void send_shutdown();
  void send_shutdown_ack();
  [[nodiscard]] bool drained() const noexcept;
  /// Sends ABORT and tells the owner.
  void abort_with(CauseCode cause, std::string_view text);
  void fail_with(std::string text, std::optional<std::uint32_t> cause);
  void close(Final last, std::optional<Event> event);

  // core_output.cpp
  [[nodiscard]] std::size_t write_reply(std::span<std::byte> out);
  [[nodiscard]] std::size_t write_final(std::span<std::byte> out);
  [[nodiscard]] std::size_t write_init(std::span<std::byte> out);
  [[nodiscard]] std::size_t write_init_chunk(std::span<std::byte> out, std::uint32_t tag, Tsn initial,
                                             std::span<const std::byte> cookie, bool zero_checksum);
  [[nodiscard]] bool write_control(PacketWriter& writer);
  [[nodiscard]] bool write_sack(PacketWriter& writer);
  [[nodiscard]] bool write_heartbeat(PacketWriter& writer, std::uint64_t nonce);
  [[nodiscard]] std::size_t write_probe(std::span<std::byte> out);
  [[nodiscard]] std::size_t write_chunks(std::span<std::byte> out);
  [[nodiscard]] bool write_forward(PacketWriter& writer);
  void write_lost(PacketWriter& writer, bool& sent);
  void write_new(PacketWriter& writer, bool& sent);
  void end_idle() noexcept;
  /// Whether a packet with data may leave now; when not, a timer says when.
  [[nodiscard]] bool pace() noexcept;
  [[nodiscard]] bool may_send_data() const noexcept;
  [[nodiscard]] bool writable_again() const noexcept;
  [[nodiscard]] CommonHeader header(std::uint32_t tag) const noexcept;
  [[nodiscard]] std::size_t fragment_header() const noexcept;
  [[nodiscard]] std::size_t fragment_size() const noexcept;
  [[nodiscard]] std::size_t packet_with(std::size_t payload) const noexcept;
  void path_mtu_found();
  /// Of what was sent at that time, and answered now.
  [[nodiscard]] bool took_this_path(TimePoint sent_at) const noexcept { return sent_at >= path_since_; }

  // core_trace.cpp
  [[nodiscard]] std::string_view state_name() const noexcept;
  void trace_changes();

  Options options_;
  Generator& generator_;
  TimePoint now_{};
  State state_ = State::Closed;
  TimerTable<Timer> timers_;
  Statistics statistics_;
  std::unique_ptr<AssociationTrace> trace_;  // null: nothing is traced

  // Handshake. The tag and the first TSN are chosen once: an INIT answered before `connect` agrees with it.
  StateCookie::Key cookie_key_{};
  std::uint32_t local_tag_ = 0;
  Tsn local_initial_;
  std::vector<std::byte> peer_cookie_;
  TimePoint init_sent_at_{};
  unsigned handshake_timeouts_ = 0;
  unsigned stale_cookies_ = 0;
  bool send_init_ = false;
  bool send_cookie_echo_ = false;
  bool send_cookie_ack_ = false;
  bool zero_checksum_offered_ = false;  // in an INIT or INIT-ACK of ours: the peer may leave the checksum out
  std::optional<Reply> reply_;
  InitReport init_report_;

  // Data.
  MessagePool pool_;
  SendQueue queue_;
  ReassemblyQueue reassembly_;
  std::optional<Tcb> tcb_;
  RetransmissionTimeout rto_;
  PathMtu path_mtu_;
  Sizing sizing_ = Sizing::Path;
  unsigned errors_ = 0;
  TimePoint path_since_{};
  ReceiveWindow window_;
  std::size_t window_advertised_ = 0;
  bool data_in_packet_ = false;
  bool marked_packet_ = false;  // the packet at hand met congestion
  bool immediate_in_packet_ = false;
  std::size_t refused_ = 0;  // bytes of the largest message for which a `send` found no room; 0: none
  // A poll that wrote nothing has dropped expired messages. Polling only drains, so what follows from it is told
  // after a timeout, which is due at once.
  TimePoint event_owed_at_ = never;

  // Control.
  std::vector<std::byte> heartbeat_echo_;
  bool send_heartbeat_ack_ = false;
  bool send_heartbeat_ = false;
  std::uint64_t heartbeat_nonce_ = 0;
  TimePoint heartbeat_sent_at_{};
  bool heartbeat_outstanding_ = false;
  std::array<std::byte, 256> error_causes_{};
  std::size_t error_size_ = 0;

  // Shutdown.
  bool shutdown_wanted_ = false;
  bool send_shutdown_ = false;
  bool send_shutdown_ack_ = false;
  Final final_ = Final::None;
  std::uint32_t final_tag_ = 0;
  CauseCode final_cause_{};
  std::string final_text_;

  // Events.
  bool answered_event_ = false;
  std::optional<Connected> connected_event_;
  bool writable_event_ = false;
  Ring<Event> events_;
  std::size_t reset_events_ = 0;
  bool silent_ = false;  // after the owner's own abort
};

}  // namespace linnet::sctp
