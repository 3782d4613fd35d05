#include <algorithm>
#include <utility>

#include "sctp/association/core.hpp"

namespace linnet::sctp {
namespace {

/// A fragment smaller than this is not worth its header in the rest of a packet.
constexpr std::size_t min_fragment = 128;
/// Gap ack blocks reach 65535 TSNs; the peer could not report more.
constexpr std::size_t max_outstanding = 65'000;

}  // namespace

CommonHeader Core::header(std::uint32_t tag) const noexcept {
  return {.source_port = options_.local_port, .destination_port = options_.remote_port, .verification_tag = tag};
}

std::size_t Core::fragment_header() const noexcept {
  return tcb_->handshake.interleaving ? interleaved_header_size : data_header_size;
}

std::size_t Core::fragment_size() const noexcept {
  return path_mtu_.current() - common_header_size - fragment_header();
}

std::size_t Core::packet_with(std::size_t payload) const noexcept {
  return common_header_size + fragment_header() + padded(payload);
}

std::size_t Core::packet_room() const noexcept {
  const std::size_t again = tcb_ && tcb_->outstanding.has_lost() ? packet_with(tcb_->largest_fragment) : 0;
  return std::max(path_mtu_.current(), again);
}

std::size_t Core::poll_packet(TimePoint now, std::span<std::byte> out) {
  clamp(now);
  sizing_ = Sizing::Path;
  if (out.size() < 256) return 0;
  const bool was_told = !queue_.low_pending() && !writable_again();
  std::size_t size = 0;
  const std::span<std::byte> small = out.first(std::min(out.size(), options_.mtu));
  if (state_ == State::Gone) {
    size = write_final(small);
  } else if (reply_) {
    size = write_reply(small);
  } else if (send_init_) {
    size = write_init(small);
  } else if (tcb_) {
    size = write_probe(out);
    if (size == 0) size = write_chunks(out);
    if (size == 0 && was_told && (queue_.low_pending() || writable_again()))
      event_owed_at_ = now_ + std::chrono::nanoseconds{1};
  }
  if (size != 0) {
    ++statistics_.packets_sent;
    statistics_.bytes_sent += size;
    if (trace_) trace_->packet(trace::SctpPacket::What::Sent, out.first(size));
  }
  return size;
}

std::size_t Core::write_chunks(std::span<std::byte> out) {
  Tcb& t = *tcb_;
  // RFC 9260 section 6.10: no control chunk behind DATA. So first see what is to be given up.
  const auto lost = may_send_data() ? t.outstanding.peek_lost(now_) : std::nullopt;
  // Section 6.9: what was cut for a path that carried more cannot be cut again.
  const std::size_t limit = std::max(path_mtu_.current(), lost ? packet_with(lost->payload.size()) : 0);
  sizing_ = Sizing::Fragment;
  PacketWriter writer(out.first(std::min(out.size(), limit)), header(t.handshake.peer_tag));
  const bool echoes_cookie = send_cookie_echo_;
  if (write_control(writer) && may_send_data()) {
    bool forward = write_forward(writer);
    bool sent = false;
    t.outstanding.begin_packet();
    write_lost(writer, sent);
    if (!t.outstanding.has_lost()) write_new(writer, sent);
    if (!sent && !forward) forward = write_forward(writer);
    if (sent) t.fast_retransmit = false;
    // Until the association stands, T1-cookie is what watches over data that goes with the COOKIE-ECHO.
    if (state_ >= State::Established) {
      if ((sent || forward) && !timers_.armed(Timer::Retransmission))
        timers_.set(Timer::Retransmission, now_ + retransmission_delay());
      if (sent) arm_recovery_timers();
    }
    // More than one packet's worth: a larger packet would help.
    if (sent && !queue_.empty()) path_mtu_.want();
  }
  // RFC 9653 section 5.2: a COOKIE-ECHO may reach an end that has forgotten what it offered.
  const bool zero = t.handshake.zero_checksum && !echoes_cookie;
  const std::size_t size = writer.empty() ? 0 : writer.finish(zero ? Checksum::Zero : Checksum::Crc32c);
  if (size <= path_mtu_.current()) sizing_ = Sizing::Path;
  return size;
}

// RFC 8899 section 6.2.1.2: a HEARTBEAT and a PAD chunk (RFC 4820) in a packet of their own. Lost, it says nothing
// about congestion.
std::size_t Core::write_probe(std::span<std::byte> out) {
  const std::size_t target = path_mtu_.probe_due();
  if (target == 0 || target > out.size() || state_ != State::Established) return 0;
  PacketWriter writer(out.first(target), header(tcb_->handshake.peer_tag));
  const std::uint64_t nonce = generator_.next_u64();
  (void)write_heartbeat(writer, nonce);
  const std::span<std::byte> rest = writer.value_room();
  std::ranges::fill(rest, std::byte{});
  writer.commit(ChunkType::Pad, 0, rest.size());
  path_mtu_.probe_sent(now_, nonce, rto_.value());
  timers_.set(Timer::PathMtu, path_mtu_.next_timeout());
  sizing_ = Sizing::Probe;
  return writer.finish(tcb_->handshake.zero_checksum ? Checksum::Zero : Checksum::Crc32c);
}

std::size_t Core::write_final(std::span<std::byte> out) {
  const Final last = std::exchange(final_, Final::None);
  if (last == Final::None) return 0;
  PacketWriter writer(out, header(final_tag_));
  if (last == Final::ShutdownComplete) {
    writer.chunk(ChunkType::ShutdownComplete, 0, {});
  } else {
    ByteWriter cause(writer.value_room());
    const bool has_text = final_cause_ == CauseCode::UserInitiatedAbort || final_cause_ == CauseCode::ProtocolViolation;
    write_tlv(cause, std::to_underlying(final_cause_), has_text ? as_bytes(final_text_) : as_bytes({}));
    writer.commit(ChunkType::Abort, 0, cause.ok() ? cause.size() : 0);
  }
  return writer.finish();
}

std::size_t Core::write_reply(std::span<std::byte> out) {
  const Reply reply = *std::exchange(reply_, std::nullopt);
  PacketWriter writer(out, header(reply.tag));
  const std::span<std::byte> value = writer.value_room();
  if (reply.type == ChunkType::InitAck) {
    writer.commit(ChunkType::InitAck, 0,
                  write_init_chunk(value, reply.local_tag, reply.local_initial, reply.cookie, reply.zero_checksum));
  } else {
    ByteWriter cause(value);
    // RFC 9260 section 3.3.10.3: a stale cookie's cause has a measure of staleness; it is not important which.
    constexpr std::array<std::byte, 4> staleness{};
    write_tlv(cause, std::to_underlying(reply.cause),
              reply.cause == CauseCode::StaleCookie ? std::span<const std::byte>(staleness) : as_bytes({}));
    writer.commit(reply.type, 0, cause.size());
  }
  return writer.finish();
}

std::size_t Core::write_init(std::span<std::byte> out) {
  send_init_ = false;
  PacketWriter writer(out, header(0));
  // Deviation: an INIT that is sent again no longer offers what it did. There are peers that drop an INIT with a
  // parameter they do not know, instead of skipping it.
  const bool zero_checksum = options_.zero_checksum && handshake_timeouts_ == 0;
  writer.commit(ChunkType::Init, 0,
                write_init_chunk(writer.value_room(), local_tag_, local_initial_, {}, zero_checksum));
  return writer.finish();
}

std::size_t Core::write_init_chunk(std::span<std::byte> out, std::uint32_t tag, Tsn initial,
                                   std::span<const std::byte> cookie, bool zero_checksum) {
  ByteWriter writer(out);
  write_init_value(writer, {.tag = tag,
                            .window = window_.size(),
                            .streams = options_.streams,
                            .initial = initial,
                            .interleaving = options_.interleaving,
                            .ecn = options_.ecn,
                            .zero_checksum = zero_checksum});
  zero_checksum_offered_ |= zero_checksum;
  if (cookie.empty()) return writer.size();
  write_tlv(writer, 7, cookie);
  TlvReader report(init_report_.written());
  while (const auto parameter = report.next())
    if (padded(parameter->whole.size()) + chunk_header_size <= writer.room()) write_tlv(writer, 8, parameter->whole);
  return writer.size();
}

/// Everything but data. False when something did not fit and the packet is to be sent as it is.
bool Core::write_control(PacketWriter& writer) {
  const auto flush = [&writer](bool& wanted, ChunkType type, std::span<const std::byte> value) {
    if (!wanted) return true;
    if (!writer.chunk(type, 0, value)) return false;
    wanted = false;
    return true;
  };
  // RFC 9260 section 5.1: COOKIE-ECHO and COOKIE-ACK come first in their packets.
  const bool echoes_cookie = send_cookie_echo_;
  if (!flush(send_cookie_echo_, ChunkType::CookieEcho, peer_cookie_)) return false;
  if (!flush(send_cookie_ack_, ChunkType::CookieAck, {})) return false;
  if (error_size_ != 0) {
    if (!writer.chunk(ChunkType::Error, 0, std::span<const std::byte>(error_causes_).first(error_size_))) return false;
    error_size_ = 0;
  }
  if (!flush(send_heartbeat_ack_, ChunkType::HeartbeatAck, heartbeat_echo_)) return false;
  // Section 5.1: data may go with the COOKIE-ECHO, and nothing else before the COOKIE-ACK.
  if (state_ < State::Established) return echoes_cookie;
  if (!write_sack(writer)) return false;
  std::array<std::byte, 4> cumulative;
  store_be(cumulative.data(), tcb_->tracker.cumulative().value());
  if (tcb_->send_cwr) {
    std::array<std::byte, 4> echoed;
    store_be(echoed.data(), tcb_->send_cwr->value());
    if (!writer.chunk(ChunkType::Cwr, 0, echoed)) return false;
    tcb_->send_cwr.reset();
  }
  if (!flush(send_shutdown_, ChunkType::Shutdown, cumulative)) return false;
  if (!flush(send_shutdown_ack_, ChunkType::ShutdownAck, {})) return false;
  while (tcb_->reset.wants_to_send()) {
    const std::span<std::byte> room = writer.value_room();
    const std::size_t size = room.empty() ? 0 : tcb_->reset.write(room, tcb_->outstanding);
    if (size == 0) return false;
    writer.commit(ChunkType::Reconfig, 0, size);
    if (tcb_->reset.under_way() && !timers_.armed(Timer::Reconfig)) timers_.set(Timer::Reconfig, now_ + rto_.value());
  }
  if (send_heartbeat_) send_heartbeat_ = !write_heartbeat(writer, heartbeat_nonce_);
  return true;
}

/// One SACK for all packets handled since the last; a delayed one rides along with data (section 6.2).
bool Core::write_sack(PacketWriter& writer) {
  DataTracker& tracker = tcb_->tracker;
  const bool rides = tracker.ack() == DataTracker::Ack::Delayed && may_send_data() && !queue_.empty() &&
                     tcb_->outstanding.in_flight() < tcb_->congestion.window();
  if (tracker.ack() != DataTracker::Ack::Now && !rides) return true;
  const std::size_t window = window_now();
  std::array<std::byte, 4> lowest;
  const std::span<std::byte> room = writer.value_room();
  const std::size_t size =
      tracker.write_sack(room, static_cast<std::uint32_t>(std::min<std::size_t>(window, UINT32_MAX)));
  if (size == 0) return false;
  writer.commit(ChunkType::Sack, 0, size);
  // RFC 4960 appendix A: told with each SACK until the peer says that it has heard.
  if (tcb_->marked) {
    store_be(lowest.data(), tcb_->marked->value());
    (void)writer.chunk(ChunkType::EcnEcho, 0, lowest);
  }
  window_advertised_ = window;
  timers_.stop(Timer::Ack);
  return true;
}

bool Core::write_heartbeat(PacketWriter& writer, std::uint64_t nonce) {
  std::array<std::byte, 8> information;
  store_be(information.data(), nonce);
  ByteWriter value(writer.value_room());
  write_tlv(value, 1, information);
  if (!value.ok()) return false;
  writer.commit(ChunkType::Heartbeat, 0, value.size());
  return true;
}

bool Core::write_forward(PacketWriter& writer) {
  Tcb& t = *tcb_;
  if (!t.outstanding.wants_forward()) return false;
  if (!t.forward_due && t.forward_sent == t.outstanding.forward_point()) return false;
  const std::size_t size = t.outstanding.write_forward_tsn(writer.value_room());
  if (size == 0) return false;
  writer.commit(t.handshake.interleaving ? ChunkType::IForwardTsn : ChunkType::ForwardTsn, 0, size);
  t.forward_due = false;
  t.forward_sent = t.outstanding.forward_point();
  t.forward_sent_at = now_;
  return true;
}

bool Core::may_send_data() const noexcept {
  return state_ == State::CookieEchoed || state_ == State::Established || state_ == State::ShutdownPending ||
         state_ == State::ShutdownReceived;
}

/// RFC 9260 section 6.1 C: what is lost goes before what is new.
void Core::write_lost(PacketWriter& writer, bool& sent) {
  Tcb& t = *tcb_;
  while (const auto again = t.outstanding.peek_lost(now_)) {
    const std::size_t size = fragment_header() + again->payload.size();
    if (padded(size) > writer.room()) return;
    const std::size_t flight = t.outstanding.in_flight();
    // Section 7.2.4: the first packet of a fast retransmission does not ask the congestion window.
    if (flight != 0 && !t.fast_retransmit && flight + size > t.congestion.window()) return;
    if (!sent && !t.fast_retransmit && !pace()) return;
    t.outstanding.resend(now_, *again);
    // RFC 9260 section 7.2.4: the clock of the first outstanding chunk begins again.
    if (again->tsn == t.outstanding.cumulative() + 1U && state_ >= State::Established)
      timers_.set(Timer::Retransmission, now_ + rto_.value());
    t.ack_asked = true;
    if (trace_) trace_->retransmitted(again->tsn, again->header.stream, again->payload.size());
    t.congestion.sent(now_, size, t.outstanding.in_flight());
    DataChunk header = again->header;
    header.immediate = true;
    writer.data(header, again->payload);
    sent = true;
  }
}

bool Core::pace() noexcept {
  const TimePoint next = tcb_->congestion.next_send(now_);
  if (next <= now_) return true;
  timers_.set(Timer::Pacing, next);
  return false;
}

/// Section 7.2.1: what was known of the path fades while nothing is sent.
void Core::end_idle() noexcept {
  constexpr Duration::rep most = 31;
  const Duration idle = now_ - tcb_->last_data_at;
  if (idle > rto_.value()) tcb_->congestion.idle(static_cast<unsigned>(std::min(idle / rto_.value(), most)));
}

void Core::write_new(PacketWriter& writer, bool& sent) {
  Tcb& t = *tcb_;
  while (t.outstanding.in_flight() < t.congestion.window() && t.outstanding.size() < max_outstanding &&
         t.outstanding.held() < options_.max_unacknowledged) {
    if (writer.room() <= fragment_header()) return;
    const std::size_t room = std::min(writer.room() - fragment_header(), fragment_size());
    const auto piece = queue_.peek(now_, room);
    if (!piece) return t.outstanding.limited_by_application();
    if (piece->offset != 0 && piece->message->expires <= now_ && t.outstanding.may_abandon()) {
      t.outstanding.abandon_unsent(piece->message);
      continue;
    }
    if (!piece->last && !writer.empty() && room < min_fragment) return;
    if (!sent && !pace()) return;
    // Anything less than the whole piece waits: no silly windows.
    if (!window_allows(piece->size)) return;
    if (t.outstanding.empty()) end_idle();
    DataChunk header = t.outstanding.send(now_, *piece);
    t.congestion.sent(now_, data_header_size + piece->size, t.outstanding.in_flight());
    // RFC 7053: the sender cannot go on, or is done for the association's sake: do not delay the SACK. The last
    // packet of several asks for one, too: if none comes, the tail is lost (see `arm_recovery_timers`).
    const std::size_t flight = t.outstanding.in_flight();
    header.immediate = flight >= t.congestion.window() || (queue_.empty() && flight > path_mtu_.current()) ||
                       t.reset.waiting() || state_ != State::Established;
    t.ack_asked = header.immediate;
    const std::span<const std::byte> payload(piece->message->payload);
    writer.data(header, payload.subspan(piece->offset, piece->size));
    statistics_.payload_bytes_sent += piece->size;
    if (piece->last) ++statistics_.messages_sent;
    t.largest_fragment = t.outstanding.size() == 1 ? piece->size : std::max(t.largest_fragment, piece->size);
    t.last_data_at = now_;
    sent = true;
  }
}

}  // namespace linnet::sctp
