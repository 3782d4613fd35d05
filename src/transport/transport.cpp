#include "transport/transport.hpp"

#include <algorithm>
#include <utility>

#include "transport/demux.hpp"

namespace linnet::transport {
namespace {

/// What a check has beside a datagram of DTLS: headers, both user name fragments as they usually are, integrity and
/// acknowledgements (draft-hancke-webrtc-sped, "MTU considerations").
constexpr std::size_t room_for_check = 200;
constexpr std::size_t largest_record = dtls::Connection::max_payload + dtls::Connection::max_overhead;

Options adjusted(Options options) {
  // RFC 8261 section 5: SCTP's packet is what the datagram holds less DTLS.
  options.dtls.mtu = options.mtu;
  if (options.dtls_in_stun) {
    options.ice.embedding = options.mtu;
    options.dtls.mtu -= room_for_check;
    // It begins with the checks, and these are patient.
    options.dtls.total_timeout += options.ice.patience;
  }
  options.sctp.mtu = options.mtu - dtls::Connection::max_overhead;
  options.sctp.carrier_overhead = dtls::Connection::max_overhead;
  options.max_mtu = std::clamp(options.max_mtu, options.mtu, std::max(options.mtu, largest_record));
  options.sctp.max_mtu = options.max_mtu - dtls::Connection::max_overhead;
  return options;
}

}  // namespace

Transport::Transport(Options options, Generator& generator)
    : options_(adjusted(std::move(options))), generator_(generator), ice_(options_.ice, generator) {
  dtls_.emplace(options_.dtls, generator_);
  if (options_.dtls_in_stun) ice_.embed(embedded_.emplace().to_embed());
}

void Transport::start(TimePoint now, Start start) {
  advance(now);
  if (start_ || life_ != Life::Running) return;
  dtls_->set_remote_fingerprints(start.fingerprints);
  sctp::Options sctp = options_.sctp;
  sctp.remote_port = start.sctp_port;
  sctp_.emplace(sctp, generator_);
  start_ = std::move(start);
  update(now);
}

void Transport::restart_dtls(TimePoint now, Start start) {
  advance(now);
  if (life_ != Life::Running) return;
  start_.reset();
  sctp_.reset();
  unsent_.clear();
  if (embedded_) embedded_->end();
  dtls_.emplace(options_.dtls, generator_);
  dtls_running_ = false;
  this->start(now, std::move(start));
}

void Transport::set_remote_fingerprints(std::vector<crypto::Fingerprint> fingerprints) {
  dtls_->set_remote_fingerprints(std::move(fingerprints));
}

void Transport::close(TimePoint now) {
  advance(now);
  if (life_ != Life::Running) return;
  deadline_ = now_ + options_.close_timeout;
  close_by_ = now_ + options_.close_limit;
  if (dtls_->connected() && sctp_->state() == SctpTransportState::Connected) {
    life_ = Life::Flushing;
    undelivered_ = undelivered();
    heard_ = signs_of_life();
    sctp_->shutdown(now_);
    if (ice_.state() == IceConnectionState::Failed) finish();
  } else {
    life_ = Life::SayingGoodbye;
    if (!has_last_word()) finish();
  }
  update(now_);
}

void Transport::abort(TimePoint now) {
  advance(now);
  if (life_ >= Life::SayingGoodbye) return;
  life_ = Life::SayingGoodbye;
  deadline_ = now_;
  if (!has_last_word())
    finish();
  else if (dtls_->connected() && sctp_->state() != SctpTransportState::Closed)
    sctp_->abort(now_, "closed");
  update(now_);
}

// A handshake under way ends with close_notify, and one that failed here with an alert that may still be unsent:
// without it the peer would wait for its timeout.
bool Transport::has_last_word() const {
  return dtls_running_ && dtls_->state() != DtlsTransportState::Closed && ice_.can_send();
}

void Transport::finish() {
  if (life_ == Life::Leaving || life_ == Life::Finished) return;
  life_ = Life::Leaving;
  deadline_ = never;
  while (auto event = ice_.poll_event()) events_.push_back(std::move(*event));
  ice_.close(now_);
  if (!ice_.has_goodbyes()) leave();
}

void Transport::leave() {
  life_ = Life::Finished;
  events_.push_back(Finished{});
}

void Transport::handle_datagram(const Datagram& received) {
  advance(received.at);
  if (life_ >= Life::Leaving) return;
  // What is below may have seen less of the time than this class has.
  Datagram told = received;
  told.at = now_;
  const std::optional<Datagram> unwrapped = ice_.unwrap(told);
  if (!unwrapped) return update(now_);
  const Datagram& datagram = *unwrapped;
  switch (kind_of(datagram.bytes)) {
    case PacketKind::Stun: ice_.handle_datagram(datagram); break;
    case PacketKind::Dtls: handle_dtls(datagram); break;
    case PacketKind::Rtp: ++statistics_.media_dropped; return;
    default: ++statistics_.unknown_dropped; return;
  }
  update(now_);
}

bool Transport::is_expected(const Path& path) const noexcept {
  // The records of a connection are authentic wherever they come from; answers go to the selected path only.
  if (dtls_->connected() || path == accepted_) return true;
  // A first flight may be faster than the answer that tells who the peer is.
  if (!ice_.remote()) return true;
  if (ice_.is_valid(path)) return true;
  // The peer's check came through and ours is still under way: it may send already.
  return std::ranges::any_of(ice_.pairs(), [&](const ice::CandidatePair& pair) { return pair.path == path; });
}

void Transport::handle_dtls(const Datagram& datagram) {
  if (!is_expected(datagram.path)) {
    ++statistics_.strangers;
    return;
  }
  accepted_ = datagram.path;
  ++statistics_.packets_received;
  statistics_.bytes_received += datagram.bytes.size();
  ice_.note_received(now_, datagram.path, datagram.bytes.size());
  handle_records(datagram.bytes, datagram.ecn);
}

void Transport::handle_records(std::span<std::byte> datagram, Ecn ecn) {
  for (const std::span<std::byte> payload : dtls_->handle_packet(now_, datagram)) {
    if (sctp_) sctp_->handle_packet(now_, payload, ecn);
    if (embedded_) embedded_->end();  // who sends data has our last flight
  }
}

void Transport::start_dtls() {
  // Both wait for a path: the client's first flight is not to be spent on nobody, and what comes to the server before
  // is kept. The time for the handshake begins only then, however long candidates take. Any pair that works will do, it
  // need not be nominated (RFC 8445 section 12).
  const bool with_checks = embedding() && !ice_.pairs().empty();
  if (!ice_.can_send() && !with_checks) return;
  dtls_running_ = true;
  if (const auto pair = ice_.selected_pair()) {
    if (const auto rtt = pair->pair.statistics.current_round_trip_time) dtls_->set_round_trip_time(*rtt);
  }
  dtls_->start(now_, start_->role);
}

void Transport::start_sctp() {
  if (!start_->local_sctp_init.empty() && !start_->peer_sctp_init.empty()) {
    sctp::ExchangedInits inits{.local = start_->local_sctp_init, .peer = start_->peer_sctp_init};
    if (const auto pair = ice_.selected_pair()) inits.round_trip_time = pair->pair.statistics.current_round_trip_time;
    if (sctp_->connect(now_, inits)) return;
  }
  // Both sides begin at once (RFC 8831 section 6.1 allows it); what the peer was faster with is there already.
  sctp_->connect(now_);
}

void Transport::update(TimePoint now) {
  advance(now);
  if (life_ >= Life::Leaving) return;
  while (auto event = ice_.poll_event()) {
    if (const auto* changed = std::get_if<ice::SelectedPairChanged>(&*event); changed && !changed->same_path) {
      accepted_.reset();
      if (sctp_) sctp_->path_changed(now_);
      if (const auto pair = ice_.selected_pair()) {
        if (const auto rtt = pair->pair.statistics.current_round_trip_time) dtls_->set_round_trip_time(*rtt);
      }
    }
    if (auto* embedded = std::get_if<ice::Embedded>(&*event))
      take_embedded(*embedded);
    else
      events_.push_back(std::move(*event));
  }
  if (start_ && !dtls_running_ && life_ == Life::Running) start_dtls();
  while (auto event = dtls_->poll_event()) dtls_event(*event);
  while (sctp_) {
    auto event = sctp_->poll_event();
    if (!event) break;
    sctp_event(*event);
  }
}

void Transport::dtls_event(dtls::Connection::Event& event) {
  if (std::holds_alternative<dtls::Connection::Connected>(event)) {
    if (embedded_) embedded_->connected(start_->role == dtls::Role::Client);
    start_sctp();
    for (std::vector<std::byte>& payload : dtls_->take_early_data()) sctp_->handle_packet(now_, payload);
  } else if (life_ != Life::Running) {
    finish();  // The peer is gone: there is no one left to deliver to.
  } else if (sctp_ && std::holds_alternative<dtls::Connection::Closed>(event)) {
    // First what it means for the data: an ABORT may have been lost on the way.
    sctp_->carrier_closed(now_);
    while (auto last = sctp_->poll_event()) sctp_event(*last);
  }
  events_.push_back(std::move(event));
}

void Transport::sctp_event(sctp::Event& event) {
  const bool over = std::holds_alternative<sctp::Closed>(event) || std::holds_alternative<sctp::Failed>(event);
  if (over && life_ == Life::Flushing) life_ = Life::SayingGoodbye;
  events_.push_back(std::move(event));
}

Progress Transport::poll_transmit(TimePoint now, DatagramBatch& batch) {
  advance(now);
  if (life_ == Life::Finished) return Progress::Done;
  if (embedding() && life_ != Life::Leaving) collect_flight();
  if (ice_.poll_transmit(now_, batch) == Progress::More) return Progress::More;
  if (const std::optional<Path> path = ice_.selected()) {
    if (!send_handshake(*path, batch) || !send_data(*path, batch)) return Progress::More;
    if (life_ == Life::SayingGoodbye) {
      // SCTP has said its last word.
      dtls_->close(now_);
      if (!send_handshake(*path, batch)) return Progress::More;
      finish();
    }
  }
  update(now_);
  if (life_ == Life::Leaving) {
    if (ice_.poll_transmit(now_, batch) == Progress::More) return Progress::More;
    leave();
  }
  return Progress::Done;
}

bool Transport::send_handshake(const Path& path, DatagramBatch& batch) {
  if (embedded_ && !send_unsent(path, batch)) return false;
  while (true) {
    const std::span<std::byte> room = ice_.begin(batch, path, Ecn::NotEct, options_.mtu);
    if (room.empty()) return false;
    const std::size_t size = dtls_->poll_packet(now_, room.first(std::min(room.size(), options_.mtu)));
    ice_.commit(batch, size);
    if (size == 0) return true;
    count_sent(path, size);
  }
}

bool Transport::send_data(const Path& path, DatagramBatch& batch) {
  if (!sctp_ || !dtls_->connected()) return true;
  const std::size_t header = dtls_->header_room();
  const std::size_t payload = options_.max_mtu - dtls_->overhead();
  while (true) {
    // SCTP writes where the record's payload will be, DTLS encrypts it there: no copy, no allocation.
    const std::span<std::byte> room = ice_.begin(batch, path, sctp_->ecn(), sctp_->packet_room() + dtls_->overhead());
    if (room.empty()) return false;
    const std::size_t size =
        sctp_->poll_packet(now_, room.subspan(header, std::min(payload, room.size() - dtls_->overhead())));
    const std::size_t record = size == 0 ? 0 : dtls_->seal(room, size);
    ice_.commit(batch, record, sctp_->sizing());
    if (size == 0) return true;
    count_sent(path, record);
  }
}

void Transport::count_sent(const Path& path, std::size_t size) {
  ++statistics_.packets_sent;
  statistics_.bytes_sent += size;
  ice_.note_sent(now_, path, size);
}

std::size_t Transport::undelivered() const {
  return sctp_ ? sctp_->total_buffered() + sctp_->statistics().bytes_in_flight : 0;
}

/// Grows while the peer answers, be it only to the checks of consent.
std::uint64_t Transport::signs_of_life() const {
  const auto pair = ice_.selected_pair();
  return sctp_->statistics().packets_received + (pair ? pair->pair.statistics.responses_received : 0);
}

/// The deadline of closing has come.
void Transport::give_up() {
  if (life_ != Life::Flushing || !ice_.can_send()) {
    finish();
    return;
  }
  const std::size_t left = undelivered();
  // A slow path is no dead peer: one that still speaks and has room gets more time.
  const std::uint64_t signs = signs_of_life();
  const bool willing = signs != std::exchange(heard_, signs) && sctp_->statistics().peer_receive_window != 0;
  if ((left < std::exchange(undelivered_, left) || willing) && now_ < close_by_) {
    deadline_ = std::min(now_ + options_.close_timeout, close_by_);
    return;
  }
  // Nobody takes what we have; say so once.
  life_ = Life::SayingGoodbye;
  sctp_->abort(now_, "closed");
  deadline_ = now_ + std::chrono::seconds{1};
}

void Transport::handle_timeout(TimePoint now) {
  advance(now);
  if (life_ >= Life::Leaving) return;
  if (deadline_ <= now_) give_up();
  if (life_ >= Life::Leaving) return;
  // Also when nothing is due: they must know how late it is, since the owner speaks to them past this class.
  ice_.handle_timeout(now_);
  dtls_->handle_timeout(now_);
  if (sctp_) sctp_->handle_timeout(now_);
  update(now_);
}

TimePoint Transport::next_timeout() const noexcept {
  if (life_ >= Life::Leaving) return never;
  const TimePoint sctp = sctp_ ? sctp_->next_timeout() : never;
  return std::min({ice_.next_timeout(), dtls_->next_timeout(), sctp, deadline_});
}

std::optional<Transport::Event> Transport::poll_event() {
  if (events_.empty()) return std::nullopt;
  std::optional<Event> event{std::move(events_.front())};
  events_.pop_front();
  return event;
}

}  // namespace linnet::transport
