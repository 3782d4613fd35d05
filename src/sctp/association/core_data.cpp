#include <algorithm>
#include <array>
#include <utility>

#include "sctp/association/core.hpp"

namespace linnet::sctp {
namespace {

/// A FORWARD-TSN further ahead than any sender's window can be is not believed.
constexpr std::int32_t max_forward = 1 << 20;

}  // namespace

std::size_t Core::window_now() const noexcept {
  const std::size_t held = reassembly_.held();
  const std::size_t free = window_.size() > held ? window_.size() - held : 0;
  // RFC 9260 section 6.2: no silly windows (RFC 1122 section 4.2.3.3).
  return free < options_.mtu ? 0 : free;
}

// RFC 9260 section 6.2; RFC 8260 section 2.2.1: either DATA or I-DATA, as was agreed.
bool Core::handle_data(const ChunkView& chunk) {
  const auto data = DataChunk::parse(chunk);
  if ((chunk.type == ChunkType::IData) != tcb_->handshake.interleaving) {
    if (chunk.type == ChunkType::IData) return handle_unknown_chunk(chunk);
    abort_with(CauseCode::ProtocolViolation, "DATA where I-DATA was agreed");
  } else if (!data) {
    abort_with(CauseCode::ProtocolViolation, "a DATA chunk is too short");
  } else if (data->payload.empty()) {
    abort_with(CauseCode::NoUserData, "a DATA chunk has no payload");
  } else {
    store(*data);
  }
  return true;
}

void Core::store(const DataChunk& data) {
  data_in_packet_ = true;
  immediate_in_packet_ |= data.immediate;
  window_.arrived(now_);
  if (marked_packet_ && tcb_->handshake.ecn) {
    marked_packet_ = false;  // the first TSN of a packet is its lowest
    if (!tcb_->marked) tcb_->marked = data.tsn;
    tcb_->tracker.request_ack();
  }
  DataTracker& tracker = tcb_->tracker;
  switch (tracker.classify(data.tsn)) {
    case DataTracker::Arrival::Duplicate:
      ++statistics_.duplicates_received;
      (void)tracker.add(data.tsn);
      return;
    case DataTracker::Arrival::TooFar: return;
    case DataTracker::Arrival::New: break;
  }
  // A full window takes nothing but what comes in sequence: it may fill a gap, and so free what waits behind it; and a
  // sender that uses up the window that it was told does not know what we charge besides the payload.
  const std::size_t limit = tracker.is_next(data.tsn) ? 2 * window_.accepted() : window_.accepted();
  if (reassembly_.held() + data.payload.size() > limit) {
    tracker.request_ack();
    return;
  }
  (void)tracker.add(data.tsn);
  if (data.stream.value() >= options_.streams) {  // section 6.5
    std::array<std::byte, 4> information{};
    store_be(information.data(), data.stream.value());
    report_error(CauseCode::InvalidStreamIdentifier, information);
    return;
  }
  switch (reassembly_.add(data)) {
    case ReassemblyQueue::Outcome::Ok: return;
    case ReassemblyQueue::Outcome::TooLarge:
      return abort_with(CauseCode::OutOfResource, "the peer's message is larger than announced");
    case ReassemblyQueue::Outcome::Violation:
      return abort_with(CauseCode::ProtocolViolation, "the peer's fragments contradict one another");
  }
}

void Core::data_packet_ended() {
  DataTracker& tracker = tcb_->tracker;
  tracker.packet_ended(immediate_in_packet_);
  if (tracker.ack() == DataTracker::Ack::Delayed && !timers_.armed(Timer::Ack))
    timers_.set(Timer::Ack, now_ + options_.delayed_ack);
  tcb_->reset.data_arrived(tracker, reassembly_);
  collect_incoming_resets();
  // Section 9.2: in SHUTDOWN-SENT each packet with DATA is answered at once.
  if (state_ == State::ShutdownSent) {
    tracker.request_ack();
    send_shutdown_ = true;
    timers_.set(Timer::Shutdown, now_ + rto_.value());
  }
}

void Core::handle_sack(const ChunkView& chunk) {
  const auto sack = SackChunk::parse(chunk);
  if (!sack) return;
  const std::size_t flight_before = tcb_->outstanding.in_flight();
  const auto result = tcb_->outstanding.handle_sack(now_, *sack, rto_.smoothed());
  if (!result.valid) return;
  tcb_->peer_window = sack->a_rwnd;
  acknowledged(result, flight_before);
}

void Core::acknowledged(const AckResult& result, std::size_t flight_before) {
  Tcb& t = *tcb_;
  if (trace_) trace_->lost(result.lost.bytes, "sack");
  errors_ = 0;  // section 8.1; for a peer with a closed window too (section 6.1 A)
  if (result.rtt) {
    rto_.measured(*result.rtt);
    window_.measured(*result.rtt);
  } else if (result.cumulative_moved && flight_before == 0) {
    // Nothing in flight: what moved was a FORWARD-TSN's doing, and the next lost one shall not wait for ever longer.
    rto_.answered();
  }
  const bool recovery = t.congestion.acknowledged({.now = now_,
                                                   .result = result,
                                                   .in_flight_before = flight_before,
                                                   .in_flight = t.outstanding.in_flight(),
                                                   .cumulative = t.outstanding.cumulative(),
                                                   .next_tsn = t.outstanding.next_tsn(),
                                                   .smoothed_rtt = rto_.smoothed()});
  if (recovery) {
    t.fast_retransmit = true;
    ++statistics_.fast_recoveries;
  }
  // Section 6.3.2 R2, R3.
  if (t.outstanding.empty())
    timers_.stop(Timer::Retransmission);
  else if (result.cumulative_moved)
    timers_.set(Timer::Retransmission, now_ + retransmission_delay());
  arm_recovery_timers();
  // RFC 3758 section 3.5 C3: again while the peer lags behind, but not more often than once a round trip.
  if (t.outstanding.wants_forward() && now_ - t.forward_sent_at >= std::max(rto_.smoothed(), options_.rto_min / 8))
    t.forward_due = true;
}

/// FORWARD-TSN or I-FORWARD-TSN, as was agreed. Whether the chunks after this one are to be looked at.
bool Core::handle_forward_tsn(const ChunkView& chunk) {
  const bool interleaved = chunk.type == ChunkType::IForwardTsn;
  if (interleaved != tcb_->handshake.interleaving) {
    if (interleaved) return handle_unknown_chunk(chunk);
    abort_with(CauseCode::ProtocolViolation, "FORWARD-TSN where I-FORWARD-TSN was agreed");
    return true;
  }
  ByteReader reader(chunk.value);
  const Tsn cumulative{reader.u32()};
  if (!reader.ok()) return true;
  DataTracker& tracker = tcb_->tracker;
  tracker.request_ack();  // RFC 3758 section 3.6, also for an old one
  if (const auto ahead = cumulative - tracker.cumulative(); ahead <= 0 || ahead > max_forward) return true;
  tracker.forward(cumulative);
  if (interleaved)
    forward_messages(reader);
  else
    forward_streams(cumulative, reader);
  tcb_->reset.data_arrived(tracker, reassembly_);
  collect_incoming_resets();
  return true;
}

//  |                      New Cumulative TSN                       |
//  |         Stream-1              |       Stream Sequence-1       | ...
void Core::forward_streams(Tsn cumulative, ByteReader& reader) {
  std::array<ReassemblyQueue::Skip, 256> skips;
  std::size_t count = 0;
  // Only streams whose ids could be used: the rest is noise that would cost memory.
  while (reader.remaining() >= 4) {
    const StreamId stream{reader.u16()};
    const Ssn ssn{reader.u16()};
    if (stream.value() < options_.streams) skips[count++] = {stream, ssn};
    if (count == skips.size()) {
      reassembly_.forward(cumulative, skips);
      count = 0;
    }
  }
  reassembly_.forward(cumulative, std::span<const ReassemblyQueue::Skip>(skips).first(count));
}

// RFC 8260 section 2.3.1.
//  |                      New Cumulative TSN                       |
//  |       Stream Identifier       |          Reserved           |U|
//  |                       Message Identifier                      | ...
void Core::forward_messages(ByteReader& reader) {
  while (reader.remaining() >= 8) {
    const StreamId stream{reader.u16()};
    const bool unordered = (reader.u16() & 1U) != 0;
    const Mid mid{reader.u32()};
    const std::array skip{ReassemblyQueue::InterleavedSkip{stream, unordered, mid}};
    if (stream.value() < options_.streams) reassembly_.forward(skip);
  }
}

/// RFC 9260 section 6.1 A: a closed window is probed with one chunk, first after an RTO, then ever more rarely.
bool Core::window_allows(std::size_t size) {
  constexpr unsigned max_doublings = 5;
  Tcb& t = *tcb_;
  const std::size_t flight = t.outstanding.payload_in_flight();
  if (flight + size <= t.peer_window || (flight == 0 && t.peer_window != 0)) {
    t.probe = false;
    t.probes = 0;
    return true;
  }
  if (!t.outstanding.empty()) return false;
  if (std::exchange(t.probe, false)) return true;
  if (!timers_.armed(Timer::Retransmission)) {
    timers_.set(Timer::Retransmission,
                now_ + std::min(rto_.value() * (1U << std::min(t.probes, max_doublings)), options_.rto_max));
    ++t.probes;
  }
  return false;
}

}  // namespace linnet::sctp
