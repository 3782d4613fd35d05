#include "sim/hostile.hpp"

#include "sim/random.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

double fraction(Generator& generator, double bound) {
  return bound * static_cast<double>(generator.next_u32()) / 4'294'967'296.0;
}
bool sometimes(Generator& generator) { return chance(generator, 0.5); }

}  // namespace

LinkOptions hostile(Generator& generator) {
  LinkOptions link;
  link.latency = 1ms + up_to(generator, 200ms);
  link.mtu = 1'280;
  if (sometimes(generator)) link.jitter = up_to(generator, 100ms);
  if (sometimes(generator)) link.loss = fraction(generator, 0.2);
  if (sometimes(generator)) {
    link.burst = {.enter = fraction(generator, 0.05), .leave = 0.2 + fraction(generator, 0.6), .loss = 0.8};
  }
  if (sometimes(generator)) {
    link.reorder = fraction(generator, 0.3);
    link.reorder_delay = up_to(generator, 150ms);
  }
  if (sometimes(generator)) link.duplicate = fraction(generator, 0.1);
  if (sometimes(generator)) link.corrupt = fraction(generator, 0.05);
  if (sometimes(generator)) {
    link.bits_per_second = 200'000 + generator.below(20'000'000);
    link.queue_bytes = between(generator, 10'000, 100'000);
    if (sometimes(generator)) link.ecn_threshold = link.queue_bytes / 4;
  }
  if (sometimes(generator)) {
    Duration at = up_to(generator, 5s);
    const std::size_t count = between(generator, 1, 5);
    for (std::size_t i = 0; i < count; ++i) {
      const Duration length = up_to(generator, 1s);
      link.outages.push_back({.from = at, .length = length});
      at += length + 1s + up_to(generator, 20s);
    }
  }
  return link;
}

LinkOptions friendly(Generator& generator) {
  LinkOptions link;
  link.latency = 5ms + up_to(generator, 95ms);
  link.jitter = up_to(generator, 10ms);
  link.loss = fraction(generator, 0.01);
  return link;
}

}  // namespace linnet::sim
