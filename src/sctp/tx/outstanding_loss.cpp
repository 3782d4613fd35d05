#include <algorithm>
#include <utility>

#include "sctp/tx/outstanding_data.hpp"

namespace linnet::sctp {

/// What the arrival of a fragment tells about the path and about the others.
void OutstandingData::learn(std::size_t i) noexcept {
  Fragment& fragment = ring_[i];
  const Tsn tsn = tsn_at(i);
  // RFC 9260 section 6.3.1 C5 (Karn): no measurement from what was sent twice.
  const bool once = fragment.transmissions == 1 && !fragment.taken_back;
  // A SACK with so many blocks may have had no room for more: what the next one adds may have arrived long ago.
  constexpr std::size_t many_blocks = 200;
  const bool fresh = fragment.state == State::InFlight && std::max(reported_.size(), before_.size()) < many_blocks;
  if (once && fresh && (!seen_.newest_sent_at || *seen_.newest_sent_at < fragment.sent_at))
    seen_.newest_sent_at = fragment.sent_at;
  // Much sooner than any round trip: it was an earlier transmission that arrived. A queue that stood all the time and
  // is gone now makes the shortest of them too long, though hardly to twice as much.
  const bool early = !once && !fragment.taken_back && fragment.state == State::InFlight &&
                     2 * (seen_.now - fragment.sent_at) <= minimum_.value();
  const bool never_sent_again = once && fragment.state == State::Lost;
  const bool is_probe = probe_ == tsn;
  seen_.timeout.anything = true;
  seen_.timeout.early |= early && fragment.transmissions == 2 && !is_probe;
  seen_.timeout.original |= never_sent_again;
  rate_.acknowledged(seen_.now, fragment, data_header_size + fragment.size);
  if (!fragment.taken_back) rack_.acknowledged(seen_.now, fragment.sent_at, tsn, !once, minimum_.value());
  if (is_probe) {
    probe_.reset();
    if (!early && fragment.state == State::InFlight) probe_arrived(fragment, tsn);
  } else if (early || never_sent_again) {
    seen_.needless |= episode_.arrived(fragment);
  }
}

void OutstandingData::path_changed(TimePoint now) noexcept {
  path_since_ = now;
  minimum_ = {};
  smoothed_ = {};
  probe_.reset();  // another one may ask at once
}

/// RFC 8985 section 7.4: if the peer does not report it as a duplicate, then the probe repaired a loss, and that is a
/// loss like any other.
void OutstandingData::probe_arrived(Fragment& fragment, Tsn tsn) noexcept {
  seen_.probe = tsn;
  seen_.repaired = data_header_size + fragment.size;
  seen_.probe_began = !episode_.active();
  if (seen_.probe_began) episode_.begin(RecoveryEpisode::Cause::Probe, next_tsn());
  episode_.lost(fragment);
}

void OutstandingData::handle_duplicates(const SackChunk& sack) noexcept {
  for (std::size_t i = 0; i < sack.duplicate_count; ++i) {
    const Tsn tsn = sack.duplicate(i);
    bool known = false;
    if (tsn <= cumulative_)
      known = episode_.duplicate(tsn, cumulative_);
    else if (const std::size_t k = index_of(tsn); k < ring_.size() && ring_[k].state == State::Acked)
      known = episode_.arrived(ring_[k]);
    if (!known) continue;
    if (seen_.probe != tsn) {
      seen_.needless = true;
      continue;
    }
    seen_.repaired = 0;
    if (seen_.probe_began) episode_.close();
  }
}

/// After everything that the SACK says was taken in.
void OutstandingData::decide(AckResult& result) {
  const bool timeout_needless = timeout_check_.handle(seen_.timeout, result.cumulative_moved, cumulative_);
  if (seen_.needless) rack_.needless(cumulative_, next_tsn(), episode_.cause() == RecoveryEpisode::Cause::Gap);
  if (timeout_needless) put_back();
  if (timeout_needless || episode_.take_needless()) {
    result.spurious = true;
    ++spurious_;
    episode_.close();
  }
  if (seen_.repaired != 0) result.lost += {.bytes = seen_.repaired, .runs = 1};
  result.lost += find_lost(seen_.now);
}

Duration OutstandingData::reordering_window() const noexcept {
  return rack_.window(minimum_.value(), smoothed_, packets_reported_, episode_.active());
}

// RFC 8985 section 6.2 step 5. Deviation: no walk through everything that was sent before the newest that arrived; the
// list is sorted, so the first that is not late enough ends it. That is also the RFC 9260 section 7.2.4 rule, without
// its limit of one fast retransmission for each TSN: a retransmission is found lost as everything else is.
Losses OutstandingData::find_lost(TimePoint now) {
  const Duration window = reordering_window();
  Losses lost;
  while (!flight_.empty()) {
    const Tsn tsn = flight_.head();
    const Fragment& fragment = ring_[index_of(tsn)];
    if (!rack_.is_passed(fragment.sent_at, tsn) || rack_.lost_at(fragment.sent_at, window) > now) break;
    lost += {.bytes = data_header_size + fragment.size, .runs = tsn == last_lost_ + 1U ? 0U : 1U};
    last_lost_ = tsn;
    lose(tsn);
  }
  return lost;
}

TimePoint OutstandingData::reordering_deadline() const noexcept {
  if (flight_.empty() || !rack_.is_passed(ring_[index_of(flight_.head())].sent_at, flight_.head())) return never;
  return rack_.all_lost_at(reordering_window());
}

void OutstandingData::lose(Tsn tsn) noexcept {
  if (!episode_.active()) episode_.begin(RecoveryEpisode::Cause::Gap, next_tsn());
  const std::size_t i = index_of(tsn);
  episode_.lost(ring_[i]);
  change(i, State::Lost);
}

/// RFC 9260 section 6.1 C wants the earliest first. New losses are mostly behind all others or, when a retransmission
/// is lost, in a run before them: enough to find their place without a search.
void OutstandingData::line_up(Tsn tsn) noexcept {
  const auto last = index_of(last_lined_up_);
  const bool last_of_all = lost_.empty() || lost_.tail() < tsn;
  if (!last_of_all && tsn < lost_.head()) {
    lost_.push_front(tsn, finder());
  } else if (!last_of_all && cumulative_ < last_lined_up_ && last_lined_up_ < tsn && last < ring_.size() &&
             last_lined_up_ != tsn && ring_[last].state == State::Lost && tsn < ring_[last].after) {
    lost_.insert_after(last_lined_up_, tsn, finder());
  } else {
    lost_.push_back(tsn, finder());
  }
  last_lined_up_ = tsn;
}

void OutstandingData::timed_out() {
  probe_.reset();
  if (flight_.empty() && lost_.empty()) return;
  episode_.begin(RecoveryEpisode::Cause::Timeout, next_tsn());
  timeout_check_.timed_out(next_tsn());
  while (!flight_.empty()) lose(flight_.head());
  // Once in a timeout the order may cost a walk. What was found lost before and still waits is of this episode, too.
  lost_.clear();
  for (std::size_t i = 0; i < ring_.size(); ++i) {
    if (ring_[i].state != State::Lost) continue;
    lost_.push_back(tsn_at(i), finder());
    if (!episode_.wonders(ring_[i])) episode_.lost(ring_[i]);
  }
}

/// T3-rtx was wrong: what was not sent again yet is in flight as before.
void OutstandingData::put_back() noexcept {
  rack_.restart();  // it may have taken an answer to the first transmission for one to the second
  bool more = !lost_.empty();
  for (Tsn tsn = lost_.tail(); more;) {
    Fragment& fragment = ring_[index_of(tsn)];
    const Tsn before = fragment.before;
    more = before != tsn;
    if (fragment.transmissions == 1 && !fragment.taken_back) {
      lost_.remove(tsn, finder());
      fragment.state = State::InFlight;
      flight_.push_front(tsn, finder());
      in_flight_ += data_header_size + fragment.size;
      payload_in_flight_ += fragment.size;
    }
    tsn = before;
  }
}

bool OutstandingData::probe(TimePoint now) {
  if (flight_.empty()) return false;
  const Tsn tsn = flight_.tail();
  const std::size_t i = index_of(tsn);
  if (expired(ring_[i], now)) return false;
  probe_ = tsn;
  episode_.probed(ring_[i]);
  change(i, State::Lost);
  return true;
}

}  // namespace linnet::sctp
