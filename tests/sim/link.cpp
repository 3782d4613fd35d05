#include "sim/link.hpp"

#include <algorithm>
#include <cmath>

#include "sim/random.hpp"

namespace linnet::sim {

Link::Link(LinkOptions options, Generator& generator) : options_(std::move(options)), generator_(generator) {}

std::size_t Link::queued_bytes(TimePoint now) const noexcept {
  if (options_.bits_per_second == 0 || wire_free_ <= now) return 0;
  const auto waiting = std::chrono::duration<double>(wire_free_ - now).count();
  return static_cast<std::size_t>(waiting * static_cast<double>(options_.bits_per_second) / 8);
}

bool Link::is_silent(TimePoint now) const noexcept {
  if (down_) return true;
  return std::ranges::any_of(options_.outages, [&](const Outage& outage) {
    return now >= start + outage.from && now < start + outage.from + outage.length;
  });
}

TimePoint Link::after_stalls(TimePoint at) const noexcept {
  for (const Outage& stall : options_.stalls)
    if (at >= start + stall.from && at < start + stall.from + stall.length) at = start + stall.from + stall.length;
  return at;
}

bool Link::is_lost(TimePoint at) {
  if (options_.fading.faded > Duration::zero()) {
    if (fading_until_ == TimePoint::min()) fading_until_ = at;
    while (fading_until_ <= at) {
      faded_ = !faded_;
      const Duration mean = faded_ ? options_.fading.faded : options_.fading.clear;
      const double uniform = (static_cast<double>(generator_.next_u32()) + 1) / 4'294'967'296.0;
      const double length = -std::log(uniform) * static_cast<double>(mean.count());
      fading_until_ += Duration{std::max<Duration::rep>(static_cast<Duration::rep>(length), 1)};
    }
    if (faded_) return true;
  }
  if (options_.burst.enter > 0) {
    bad_ = bad_ ? !chance(generator_, options_.burst.leave) : chance(generator_, options_.burst.enter);
    if (bad_ && chance(generator_, options_.burst.loss)) return true;
  }
  return chance(generator_, options_.loss);
}

bool Link::is_policed(TimePoint now, std::size_t size) {
  if (options_.policed_bits_per_second == 0) return false;
  const auto time_for = [&](std::size_t bytes) {
    return Duration{static_cast<Duration::rep>(static_cast<double>(bytes) * 8e9 /
                                               static_cast<double>(options_.policed_bits_per_second))};
  };
  const TimePoint full = std::max(now, bucket_full_) + time_for(size);
  if (full - now > time_for(options_.policer_bucket)) return true;
  bucket_full_ = full;
  return false;
}

void Link::send(TimePoint now, const Endpoint& from, const Endpoint& to, std::span<const std::byte> bytes, Ecn ecn,
                Sizing sizing) {
  ++stats_.sent;
  const std::size_t size = bytes.size() + options_.header_bytes;
  if (options_.mtu != 0 && size > options_.mtu && sizing != Sizing::Fragment) {
    ++stats_.too_large;
    return;
  }
  if (is_silent(now)) {
    ++stats_.silenced;
    return;
  }
  if (is_policed(now, size)) {
    ++stats_.policed;
    return;
  }
  TimePoint departure = now;
  if (options_.bits_per_second != 0) {
    const std::size_t queued = queued_bytes(now);
    if (queued + size > options_.queue_bytes) {
      ++stats_.overflowed;
      return;
    }
    if (options_.ecn_threshold != 0 && queued > options_.ecn_threshold && ecn != Ecn::NotEct) {
      ecn = Ecn::Ce;
      ++stats_.marked;
    }
    const double seconds = static_cast<double>(size) * 8 / static_cast<double>(options_.bits_per_second);
    wire_free_ = std::max(now, wire_free_) + Duration{static_cast<Duration::rep>(seconds * 1e9)};
    departure = wire_free_;
  }
  // Lost after the queue: what is lost has used the wire all the same.
  if (is_lost(departure)) {
    ++stats_.lost;
    return;
  }
  TimePoint at = departure + options_.latency + up_to(generator_, options_.jitter);
  if (chance(generator_, options_.reorder)) {
    ++stats_.reordered;
    at += up_to(generator_, options_.reorder_delay);
  } else {
    at = last_arrival_ = std::max(after_stalls(at), last_arrival_);
  }
  arrive(at, from, to, bytes, ecn, sizing);
  if (chance(generator_, options_.duplicate)) {
    ++stats_.duplicated;
    arrive(at + up_to(generator_, options_.reorder_delay), from, to, bytes, ecn, sizing);
  }
}

void Link::arrive(TimePoint at, const Endpoint& from, const Endpoint& to, std::span<const std::byte> bytes, Ecn ecn,
                  Sizing sizing) {
  Entry entry{.packet = {.at = at, .from = from, .to = to, .ecn = ecn, .sizing = sizing, .bytes = {}},
              .order = order_++};
  if (!spare_.empty()) {
    entry.packet.bytes = std::move(spare_.back());
    spare_.pop_back();
  }
  entry.packet.bytes.assign(bytes.begin(), bytes.end());
  if (chance(generator_, options_.corrupt)) {
    ++stats_.corrupted;
    flip_bits(entry.packet.bytes);
  }
  heap_.push_back(std::move(entry));
  std::ranges::push_heap(heap_, later);
}

void Link::flip_bits(std::span<std::byte> bytes) {
  if (bytes.empty()) return;
  const std::uint64_t flips = 1 + generator_.below(8);
  for (std::uint64_t i = 0; i < flips; ++i) {
    bytes[static_cast<std::size_t>(generator_.below(bytes.size()))] ^= std::byte{1} << generator_.below(8);
  }
}

bool Link::later(const Entry& a, const Entry& b) noexcept {
  return a.packet.at != b.packet.at ? a.packet.at > b.packet.at : a.order > b.order;
}

bool Link::receive(TimePoint now, Packet& out) {
  if (next_arrival() > now || heap_.empty()) return false;
  std::ranges::pop_heap(heap_, later);
  std::swap(out, heap_.back().packet);
  spare_.push_back(std::move(heap_.back().packet.bytes));
  heap_.pop_back();
  ++stats_.delivered;
  stats_.delivered_bytes += out.bytes.size();
  return true;
}

}  // namespace linnet::sim
