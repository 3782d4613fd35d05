#include "sctp/association/core.hpp"

#include <algorithm>
#include <utility>

namespace linnet::sctp {
namespace {

constexpr std::size_t min_mtu = 512;

Options sane(Options options) {
  options.mtu = std::max(options.mtu & ~std::size_t{3}, min_mtu);
  options.max_mtu &= ~std::size_t{3};
  options.streams = std::max<std::uint16_t>(options.streams, 1);
  options.rto_min = std::max<Duration>(options.rto_min, std::chrono::milliseconds(1));
  options.rto_max = std::max(options.rto_max, options.rto_min);
  options.rto_initial = std::clamp(options.rto_initial, options.rto_min, options.rto_max);
  options.heartbeat_interval = std::max<Duration>(options.heartbeat_interval, std::chrono::milliseconds(1));
  options.initial_window = std::max(options.initial_window, 1U);
  options.max_unacknowledged = std::max<std::size_t>(options.max_unacknowledged, 1);
  return options;
}

}  // namespace

Core::Tcb::Tcb(const Handshake& with, Core& core)
    : handshake(with),
      tracker(with.peer_initial),
      outstanding(with.local_initial, with.forward_tsn, core.queue_),
      congestion({.algorithm = core.options_.congestion_algorithm,
                  .mtu = core.path_mtu_.current(),
                  .initial_packets = core.options_.initial_window,
                  .pacing = core.options_.pacing,
                  .tolerate_random_loss = core.options_.tolerate_random_loss}),
      reset(with.local_initial, with.peer_initial),
      peer_window(with.peer_window),
      forward_sent(with.local_initial - 1U) {
  // The peer can hold no more halves of messages than its window, and needs the rest of it to complete one. Nor can we.
  core.queue_.interleave(with.interleaving,
                         std::min<std::size_t>(with.peer_window, core.options_.max_unacknowledged) / 2);
}

Core::Core(Options options, Generator& generator)
    : options_(sane(options)),
      generator_(generator),
      queue_(pool_),
      reassembly_(options_.max_message_size),
      rto_({options_.rto_initial, options_.rto_min, options_.rto_max}),
      path_mtu_({.base = options_.mtu, .max = options_.max_mtu, .carrier_overhead = options_.carrier_overhead}),
      window_(first_window(options_), std::max(options_.receive_window, 2 * options_.max_message_size)) {
  generator_.fill(cookie_key_);
  do local_tag_ = generator_.next_u32();
  while (local_tag_ == 0);
  local_initial_ = Tsn{generator_.next_u32()};
  if (options_.trace != nullptr) trace_ = std::make_unique<AssociationTrace>(*options_.trace, path_mtu_.current());
}

void Core::clamp(TimePoint now) noexcept { now_ = std::max(now_, now); }

void Core::handle_packet(TimePoint now, std::span<const std::byte> bytes, Ecn ecn) {
  if (state_ == State::Gone) return;
  clamp(now);
  const auto packet = PacketView::parse(bytes, zero_checksum_offered_ ? Checksum::Zero : Checksum::Crc32c);
  if (!packet || packet->header().source_port != options_.remote_port ||
      packet->header().destination_port != options_.local_port) {
    return drop(bytes);
  }
  const bool single = packet->single();
  data_in_packet_ = immediate_in_packet_ = false;
  marked_packet_ = ecn == Ecn::Ce;
  bool first = true;
  for (const ChunkView chunk : *packet) {
    // RFC 9260 section 8.5: the first chunk decides which tag the packet must bear.
    if (std::exchange(first, false)) {
      if (!tag_accepted(packet->header(), chunk, single)) return drop(bytes);
      if (trace_) trace_->packet(trace::SctpPacket::What::Received, bytes);
    }
    if (!handle_chunk(packet->header(), chunk, single) || state_ == State::Gone) break;
  }
  ++statistics_.packets_received;
  statistics_.bytes_received += bytes.size();
  if (state_ != State::Gone) {
    if (data_in_packet_) data_packet_ended();
    progress();
  }
  if (trace_) trace_changes();
}

void Core::drop(std::span<const std::byte> packet) {
  ++statistics_.packets_dropped;
  if (trace_) trace_->packet(trace::SctpPacket::What::Dropped, packet);
}

bool Core::tag_accepted(const CommonHeader& header, const ChunkView& chunk, bool single) const noexcept {
  const std::uint32_t tag = header.verification_tag;
  switch (chunk.type) {
    case ChunkType::Init: return single && tag == 0;
    case ChunkType::CookieEcho: return tag != 0;  // the cookie itself knows its tag
    case ChunkType::Abort:
    case ChunkType::ShutdownComplete:
      if ((chunk.flags & 1U) != 0) return tcb_ && tag == tcb_->handshake.peer_tag;
      return tag == local_tag_ && state_ != State::Closed;
    default: return tag == local_tag_ && state_ != State::Closed;
  }
}

bool Core::handle_chunk(const CommonHeader& header, const ChunkView& chunk, bool single) {
  switch (chunk.type) {
    case ChunkType::Init:
      if (single) handle_init(chunk);
      return false;
    case ChunkType::InitAck:
      if (single) handle_init_ack(chunk);
      return false;
    case ChunkType::CookieEcho: return handle_cookie_echo(chunk, header);
    case ChunkType::Abort: handle_abort(chunk); return false;
    case ChunkType::CookieAck: handle_cookie_ack(); return true;
    case ChunkType::Error: handle_error(chunk); return true;
    case ChunkType::ShutdownComplete: handle_shutdown_complete(); return false;
    case ChunkType::ShutdownAck: handle_shutdown_ack(); return false;
    default: break;
  }
  // What follows needs an association; before the COOKIE-ACK the peer sends it again.
  if (!tcb_ || state_ < State::Established) return true;
  switch (chunk.type) {
    case ChunkType::Data:
    case ChunkType::IData: return handle_data(chunk);
    case ChunkType::Sack: handle_sack(chunk); return true;
    case ChunkType::Heartbeat: handle_heartbeat(chunk); return true;
    case ChunkType::EcnEcho: handle_ecn_echo(chunk); return true;
    case ChunkType::Cwr: handle_cwr(chunk); return true;
    case ChunkType::HeartbeatAck: handle_heartbeat_ack(chunk); return true;
    case ChunkType::Shutdown: handle_shutdown(chunk); return true;
    case ChunkType::Reconfig: handle_reconfig(chunk); return true;
    case ChunkType::ForwardTsn:
    case ChunkType::IForwardTsn: return handle_forward_tsn(chunk);
    default: return handle_unknown_chunk(chunk);
  }
}

/// RFC 9260 section 3.2: the two highest bits say whether to go on and whether to report.
bool Core::handle_unknown_chunk(const ChunkView& chunk) {
  const unsigned bits = std::to_underlying(chunk.type) >> 6U;
  if ((bits & 1U) != 0) report_error(CauseCode::UnrecognizedChunkType, chunk.whole);
  return (bits & 2U) != 0;
}

/// What any input may have made possible.
void Core::progress() {
  if (!tcb_ || state_ < State::Established) return;
  const std::size_t max_streams = (options_.mtu - common_header_size - 2 * chunk_header_size - 12) / 2;
  (void)tcb_->reset.begin(queue_, max_streams);
  if (shutdown_wanted_ && state_ == State::Established) state_ = State::ShutdownPending;
  if (state_ == State::ShutdownPending && drained()) send_shutdown();
  if (state_ == State::ShutdownReceived && drained()) send_shutdown_ack();
}

Result<> Core::send(TimePoint now, StreamId stream, Ppid ppid, std::span<const std::byte> payload,
                    const SendOptions& options) {
  clamp(now);
  if (state_ == State::Gone || state_ > State::Established || shutdown_wanted_)
    return fail(ErrorName::InvalidStateError, "the association is closed or closing");
  if (payload.empty() || (!options.beyond_limit && payload.size() > options_.max_send_queue))
    return fail(ErrorName::TypeError, "a message must have between 1 byte and the size of the send queue");
  if (stream.value() >= (tcb_ ? tcb_->handshake.outgoing_streams : options_.streams))
    return fail(ErrorName::OperationError, "no such stream was negotiated");
  if (queue_.resetting(stream)) return fail(ErrorName::OperationError, "the stream is being reset");
  if (!options.beyond_limit && payload.size() > send_room()) {
    refused_ = std::max(refused_, payload.size());
    return fail(ErrorName::OperationError, "the send queue is full");
  }
  queue_.add(now_, stream, ppid, payload, options);
  return {};
}

std::size_t Core::send_room() const noexcept {
  // Besides its payload each waiting message costs its place, or a queue full of tiny ones had no limit.
  return options_.max_send_queue - std::min(options_.max_send_queue, queue_.memory());
}

std::optional<Message> Core::receive(StreamId stream) {
  auto message = reassembly_.receive(stream);
  if (message) window_.pulled(now_, message->payload.size());
  // RFC 9260 section 6.2: tell a sender that may be waiting when half of the window is free again.
  if (message && tcb_ && state_ >= State::Established && state_ != State::Gone &&
      window_now() >= window_advertised_ + window_.size() / 2)
    tcb_->tracker.request_ack();
  return message;
}

Result<> Core::reset_streams(TimePoint now, std::span<const StreamId> streams) {
  clamp(now);
  if (!tcb_ || state_ != State::Established)
    return fail(ErrorName::InvalidStateError, "streams can be reset only while connected");
  if (!tcb_->handshake.reconfig) return fail(ErrorName::NotSupportedError, "the peer cannot reset streams");
  for (const StreamId stream : streams) {
    if (queue_.resetting(stream)) continue;
    queue_.set_resetting(stream, true);
    tcb_->reset.add();
  }
  progress();
  return {};
}

void Core::path_changed(TimePoint now) {
  clamp(now);
  path_since_ = now_;
  window_.path_changed();
  rto_.path_changed();
  if (tcb_) {
    OutstandingData& outstanding = tcb_->outstanding;
    outstanding.path_changed(now_);
    tcb_->congestion.path_changed(now_, outstanding.empty() ? std::nullopt : std::optional(outstanding.highest()));
  }
  path_mtu_.path_changed();
  path_mtu_found();
  resume();
  if (trace_) trace_changes();
}

void Core::path_mtu_found() {
  if (state_ == State::Gone) return;
  timers_.set(Timer::PathMtu, path_mtu_.next_timeout());
  if (tcb_) tcb_->congestion.set_mtu(path_mtu_.current());
}

/// Not before the largest of the refused messages fits, or it would be refused again at once, for ever.
bool Core::writable_again() const noexcept {
  return refused_ != 0 && send_room() >= options_.max_send_queue / 2 && refused_ <= send_room() &&
         state_ != State::Gone;
}

std::optional<Event> Core::poll_event() {
  if (silent_) return std::nullopt;
  if (std::exchange(answered_event_, false)) return PeerAnswered{};
  if (connected_event_) return *std::exchange(connected_event_, std::nullopt);
  if (const auto ready = reassembly_.poll_ready()) return MessageReady{*ready};
  if (event_owed_at_ == never) {
    if (const auto low = queue_.poll_low()) return BufferedAmountLow{*low};
    if (writable_again()) {
      refused_ = 0;
      return Writable{};
    }
  }
  if (events_.empty()) return std::nullopt;
  Event event = events_.pop_front();
  if (std::holds_alternative<IncomingStreamsReset>(event)) --reset_events_;
  return event;
}

SctpTransportState Core::public_state() const noexcept {
  if (state_ == State::Gone) return SctpTransportState::Closed;
  return state_ < State::Established ? SctpTransportState::Connecting : SctpTransportState::Connected;
}

Statistics Core::statistics() const {
  Statistics s = statistics_;
  s.messages_received = reassembly_.messages();
  s.payload_bytes_received = reassembly_.payload_bytes();
  s.messages_abandoned += queue_.messages_expired();
  s.receive_window = window_now();
  s.smoothed_round_trip_time = rto_.smoothed();
  s.retransmission_timeout = rto_.value();
  s.mtu = path_mtu_.current();
  if (!tcb_) return s;
  s.chunks_retransmitted += tcb_->outstanding.retransmitted();
  s.messages_abandoned += tcb_->outstanding.messages_abandoned();
  s.spurious_recoveries += tcb_->outstanding.spurious();
  s.congestion_window = tcb_->congestion.window();
  s.slow_start_threshold = tcb_->congestion.threshold();
  s.pacing_rate = tcb_->congestion.pacing_rate();
  s.peer_receive_window = tcb_->peer_window;
  s.bytes_in_flight = tcb_->outstanding.in_flight();
  s.unacked_chunks = tcb_->outstanding.size();
  return s;
}

}  // namespace linnet::sctp
