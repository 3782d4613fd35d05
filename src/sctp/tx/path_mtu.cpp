#include "sctp/tx/path_mtu.hpp"

#include <algorithm>
#include <chrono>

namespace linnet::sctp {
namespace {

// UDP payloads of paths that exist: IPv6's least MTU, tunnels, WireGuard, PPPoE, Ethernet with IPv6 and with IPv4,
// something between, half pages, jumbo frames, the largest DTLS record.
constexpr std::array<std::size_t, 10> udp_payloads{1'232, 1'320, 1'392, 1'432, 1'452,
                                                   1'472, 1'980, 4'052, 8'952, 16'421};
// Most paths carry Ethernet's size: to try it first saves the steps below it.
constexpr std::size_t first_payload = 1'452;

// Section 5.1.1, PROBE_TIMER: never below one second. Deviation: 15 seconds are recommended; then a transfer would be
// over before the search is.
constexpr Duration min_probe_timeout = std::chrono::seconds{1};
constexpr Duration raise_interval = std::chrono::seconds{600};  // PMTU_RAISE_TIMER

}  // namespace

PathMtu::PathMtu(const Options& options) noexcept : base_(options.base) {
  for (const std::size_t payload : udp_payloads) {
    const std::size_t size = (payload - options.carrier_overhead) & ~std::size_t{3};
    if (size <= base_ || size > options.max) continue;
    sizes_[count_++] = size;
    if (payload <= first_payload || first_ == 0) first_ = count_;
  }
  too_large_ = count_ + 1;
}

void PathMtu::limit(std::size_t max) noexcept {
  while (count_ != 0 && sizes_[count_ - 1] > max) --count_;
  first_ = std::min(first_, count_);
  path_changed();
}

void PathMtu::want() noexcept {
  if (wanted_ || count_ == 0) return;
  wanted_ = probing_ = true;
  probed_ = first_;
}

void PathMtu::probe_sent(TimePoint now, std::uint64_t nonce, Duration timeout) noexcept {
  in_flight_ = true;
  nonce_ = nonce;
  ++tries_;
  deadline_ = now + std::max(timeout, min_probe_timeout);
}

bool PathMtu::acknowledged(TimePoint now, std::uint64_t nonce) noexcept {
  if (!in_flight_ || nonce != nonce_) return false;
  step_ = probed_;
  next_probe(now);
  return true;
}

void PathMtu::handle_timeout(TimePoint now) noexcept {
  if (now < deadline_) return;
  deadline_ = never;
  if (probing_) {
    in_flight_ = false;
    if (tries_ < max_probes) return;
    too_large_ = probed_;
  } else {
    too_large_ = count_ + 1;
  }
  next_probe(now);
}

/// Upwards step by step while nothing failed, else the middle between what works and what does not.
void PathMtu::next_probe(TimePoint now) noexcept {
  tries_ = 0;
  in_flight_ = false;
  probing_ = step_ + 1 < too_large_;
  probed_ = too_large_ > count_ ? step_ + 1 : (step_ + too_large_) / 2;
  deadline_ = probing_ || too_large_ > count_ ? never : now + raise_interval;
}

void PathMtu::black_hole(TimePoint now) noexcept {
  if (step_ == 0) return;
  too_large_ = step_;
  step_ = 0;
  next_probe(now);
}

void PathMtu::path_changed() noexcept {
  step_ = 0;
  too_large_ = count_ + 1;
  tries_ = 0;
  wanted_ = probing_ = in_flight_ = false;
  deadline_ = never;
}

}  // namespace linnet::sctp
