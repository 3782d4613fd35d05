#include "sctp/association/core.hpp"

namespace linnet::sctp {

void Core::connect(TimePoint now) {
  clamp(now);
  if (state_ != State::Closed) return;
  state_ = State::CookieWait;
  handshake_timeouts_ = 0;
  send_init();
  if (trace_) trace_changes();
}

// draft-hancke-tsvwg-snap, "SCTP considerations": established at once, as INIT and INIT-ACK would have made it.
Result<> Core::connect(TimePoint now, const ExchangedInits& inits) {
  clamp(now);
  if (state_ != State::Closed) return fail(ErrorName::InvalidStateError, "the association has begun already");
  if (!is_acceptable_init(inits.local) || !is_acceptable_init(inits.peer))
    return fail(ErrorName::TypeError, "that is no INIT chunk");
  // What ours said is read like a peer's: tag, first TSN and the offer of RFC 9653 are what the peer goes by.
  const Handshake said = read_init(*init_value(inits.local), options_, init_report_).handshake;
  Handshake handshake = read_init(*init_value(inits.peer), options_, init_report_).handshake;
  handshake.local_tag = local_tag_ = said.peer_tag;
  handshake.local_initial = local_initial_ = said.peer_initial;
  zero_checksum_offered_ = said.zero_checksum;
  tcb_.emplace(handshake, *this);
  if (inits.round_trip_time) {
    rto_.measured(*inits.round_trip_time);
    window_.measured(*inits.round_trip_time);
  }
  establish();
  progress();
  if (trace_) trace_changes();
  return {};
}

void Core::send_init() {
  send_init_ = true;
  init_sent_at_ = now_;
  timers_.set(Timer::Handshake, now_ + rto_.value());
}

// RFC 9260 sections 5.1 B, 5.2.1, 5.2.2. Costs no memory: all that was learnt travels in the cookie.
void Core::handle_init(const ChunkView& chunk) {
  InitView init = read_init(chunk.value, options_, init_report_);
  Handshake& handshake = init.handshake;
  if (handshake.peer_tag == 0) return;  // section 3.3.2: silently discarded
  if (init.problem) {
    reply_ = Reply{.type = ChunkType::Abort, .tag = handshake.peer_tag, .cause = *init.problem};
    return;
  }
  if (state_ == State::ShutdownAckSent) {  // section 9.2
    send_shutdown_ack_ = true;
    return;
  }
  handshake.local_tag = local_tag_;
  handshake.local_initial = local_initial_;
  StateCookie cookie{.handshake = handshake, .made = now_};
  if (tcb_) {
    cookie.local_tie_tag = local_tag_;
    cookie.peer_tie_tag = tcb_->handshake.peer_tag;
  }
  if (state_ >= State::Established) {  // section 5.2.2: the tags must differ from those in use
    do cookie.handshake.local_tag = generator_.next_u32();
    while (cookie.handshake.local_tag == 0 || cookie.handshake.local_tag == local_tag_);
    cookie.handshake.local_initial = Tsn{generator_.next_u32()};
  }
  reply_ = Reply{.type = ChunkType::InitAck,
                 .tag = handshake.peer_tag,
                 .local_tag = cookie.handshake.local_tag,
                 .local_initial = cookie.handshake.local_initial,
                 .cookie = cookie.seal(cookie_key_),
                 .zero_checksum = handshake.zero_checksum};
}

// RFC 9260 sections 5.1 C, 5.2.3.
void Core::handle_init_ack(const ChunkView& chunk) {
  if (state_ != State::CookieWait) return;
  InitView init = read_init(chunk.value, options_, init_report_);
  if (init.handshake.peer_tag == 0) return fail_with("the peer's INIT-ACK has no tag", std::nullopt);
  if (!init.problem && init.cookie.empty()) init.problem = CauseCode::MissingMandatoryParameter;
  if (!init.problem && init.cookie.size() > options_.mtu - common_header_size - 2 * chunk_header_size)
    init.problem = CauseCode::OutOfResource;
  init.handshake.local_tag = local_tag_;
  init.handshake.local_initial = local_initial_;
  if (!learn_peer(init.handshake)) init.problem = CauseCode::ProtocolViolation;
  if (init.problem) return abort_with(*init.problem, "the peer's INIT-ACK is not acceptable");
  if (handshake_timeouts_ == 0) {
    rto_.measured(now_ - init_sent_at_);
    window_.measured(now_ - init_sent_at_);
  }
  if (init_report_.size != 0) report_error(CauseCode::UnrecognizedParameters, init_report_.written());
  peer_cookie_.assign(init.cookie.begin(), init.cookie.end());
  state_ = State::CookieEchoed;
  handshake_timeouts_ = 0;
  send_init_ = false;
  send_cookie_echo_ = true;
  answered_event_ = true;
  timers_.set(Timer::Handshake, now_ + rto_.value());
}

/// The peer's side of the association, perhaps not for the first time: the peer may answer with other numbers after a
/// stale cookie, or when both began. Data that went with a COOKIE-ECHO keeps its TSNs, for ours stay as they are.
bool Core::learn_peer(const Handshake& handshake) {
  if (!tcb_ || tcb_->outstanding.empty()) {
    tcb_.emplace(handshake, *this);
    return true;
  }
  if (handshake.interleaving != tcb_->handshake.interleaving || handshake.forward_tsn != tcb_->handshake.forward_tsn)
    return false;
  tcb_->handshake = handshake;
  tcb_->tracker = DataTracker(handshake.peer_initial);
  tcb_->reset = StreamReset(handshake.local_initial, handshake.peer_initial);
  tcb_->peer_window = handshake.peer_window;
  tcb_->outstanding.timed_out();
  return true;
}

// RFC 9260 sections 5.1.5 and 5.2.4, whose table compares the cookie's tags with those in use.
bool Core::handle_cookie_echo(const ChunkView& chunk, const CommonHeader& header) {
  const auto cookie = StateCookie::open(chunk.value, cookie_key_);
  if (!cookie || cookie->handshake.local_tag != header.verification_tag) {
    ++statistics_.packets_dropped;
    return false;
  }
  const bool local_matches = cookie->handshake.local_tag == local_tag_;
  const bool peer_matches = tcb_ && cookie->handshake.peer_tag == tcb_->handshake.peer_tag;
  if (now_ - cookie->made > options_.cookie_lifetime && !(local_matches && peer_matches)) {
    reply_ = Reply{.type = ChunkType::Error, .tag = cookie->handshake.peer_tag, .cause = CauseCode::StaleCookie};
    return false;
  }
  if (local_matches && !peer_matches && state_ < State::Established) {
    // First cookie, or B: both sent an INIT and the peer's comes from another attempt than its INIT-ACK.
    if (!learn_peer(cookie->handshake)) {
      abort_with(CauseCode::ProtocolViolation, "the peer changed its mind during the handshake");
      return false;
    }
  } else if (!local_matches) {
    const bool ties = tcb_ && cookie->local_tie_tag == local_tag_ && cookie->peer_tie_tag == tcb_->handshake.peer_tag &&
                      cookie->local_tie_tag != 0;
    // A: the peer began anew and knows nothing of this association; the data channels are gone with it.
    // Deviation: section 5.2.4.1 would go on with a fresh association; WebRTC has no meaning for that.
    if (ties && !peer_matches) {
      tcb_->handshake.peer_tag = cookie->handshake.peer_tag;
      abort_with(CauseCode::UserInitiatedAbort, "the peer restarted the association");
    }
    return false;  // C: late, silently discarded
  } else if (!peer_matches) {
    return false;  // B while established: the peer's tag cannot change any more
  }
  send_cookie_ack_ = true;
  window_.measured(now_ - cookie->made);
  if (state_ < State::Established) establish();
  return true;
}

void Core::handle_cookie_ack() {
  if (state_ == State::CookieEchoed) establish();
}

void Core::establish() {
  state_ = State::Established;
  timers_.stop(Timer::Handshake);
  send_init_ = send_cookie_echo_ = answered_event_ = false;
  peer_cookie_ = std::vector<std::byte>{};
  path_mtu_.limit(tcb_->handshake.large_packets ? options_.max_mtu : usual_packet_size);
  if (!tcb_->outstanding.empty()) timers_.set(Timer::Retransmission, now_ + rto_.value());
  errors_ = 0;
  window_advertised_ = window_now();
  connected_event_ = Connected{tcb_->handshake.outgoing_streams, tcb_->handshake.incoming_streams};
  timers_.set(Timer::Heartbeat, now_ + options_.heartbeat_interval);
}

// RFC 9260 section 5.1: T1-init and T1-cookie.
void Core::handshake_timed_out() {
  if (trace_)
    trace_->expired(state_ == State::CookieWait ? "t1_init" : "t1_cookie", rto_.value(), handshake_timeouts_ + 1);
  if (++handshake_timeouts_ > options_.max_init_retransmits) return fail_with("the peer does not answer", std::nullopt);
  rto_.back_off();
  timers_.set(Timer::Handshake, now_ + rto_.value());
  if (state_ == State::CookieWait) {
    send_init_ = true;
    return;
  }
  send_cookie_echo_ = true;
  tcb_->outstanding.timed_out();  // it went with the COOKIE-ECHO, and goes with it again
}

}  // namespace linnet::sctp
