#include "sim/session/plan.hpp"

#include <algorithm>
#include <sstream>

#include "sim/hostile.hpp"
#include "sim/random.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

NatOptions draw_nat(Generator& random) {
  const auto behavior = [&] { return static_cast<NatBehavior>(random.below(3)); };
  NatOptions nat;
  nat.mapping = chance(random, 0.75) ? NatBehavior::EndpointIndependent : behavior();
  nat.filtering = behavior();
  nat.ports = static_cast<PortAllocation>(random.below(3));
  nat.inbound_refreshes = chance(random, 0.5);
  return nat;
}

Side draw_side(Generator& random) { return chance(random, 0.5) ? Side::A : Side::B; }

}  // namespace

Plan::Plan(std::uint64_t seed) {
  SeededGenerator random{seed ^ 0x706c'616e};
  draw_path(random);
  // UDP's checksum finds flipped bits, so they are losses. Where it does not, a broken handshake cannot be mended:
  // DTLS 1.2 sends it in the clear and finds out only at its end.
  if (SeededGenerator checksum{seed ^ 0x6373'756d}; chance(checksum, 0.7)) {
    near.loss += near.corrupt;
    near.corrupt = 0;
  }
  draw_channels(random);
  draw_events(random);
}

void Plan::draw_path(Generator& random) {
  near = hostile(random);
  far = {.latency = 1ms, .mtu = 1'280};
  if (chance(random, 0.3)) {
    far = friendly(random);
    far.mtu = 1'280;
  }
  for (auto& nat : nats) {
    if (chance(random, 0.4)) nat = draw_nat(random);
  }
  // Two hosts behind NATs need a server to find each other. Sometimes there is none: that must end clearly, too.
  stun = nats[0] && nats[1] ? chance(random, 0.95) : chance(random, 0.5);
  ipv6 = chance(random, 0.15);
  polite_a = chance(random, 0.5);
  signaling_delay = up_to(random, 500ms);
  if (chance(random, 0.5)) signaling_jitter = up_to(random, 1s);
  for (Tuning& t : tuning) {
    if (chance(random, 0.2)) t.max_send_queue = between(random, 270'000, 500'000);
    if (chance(random, 0.2)) t.receive_window = between(random, 32'768, 300'000);
  }
}

bool Plan::is_crossable() const {
  if (ipv6) return true;
  if (!nats[0] || !nats[1]) return true;
  if (!stun) return false;
  const auto is_cone = [](const NatOptions& nat) { return nat.mapping == NatBehavior::EndpointIndependent; };
  const auto admits_other_ports = [](const NatOptions& nat) {
    return nat.filtering != NatBehavior::AddressAndPortDependent;
  };
  if (is_cone(*nats[0]) && is_cone(*nats[1])) return true;
  return (is_cone(*nats[0]) && admits_other_ports(*nats[0])) || (is_cone(*nats[1]) && admits_other_ports(*nats[1]));
}

std::size_t Plan::draw_size(Generator& random) {
  std::size_t size = 0;
  switch (random.below(20)) {
    case 0: size = 0; break;
    case 1: size = 1; break;
    case 2: size = 262'144; break;
    case 3:
    case 4: size = between(random, 2, 262'144); break;
    case 5:
    case 6:
    case 7:
    case 8: size = between(random, 2, 20'000); break;
    default: size = between(random, 2, 2'000);
  }
  size = std::min(size, budget_);
  budget_ -= size;
  return size;
}

std::string Plan::describe() const {
  std::ostringstream out;
  const auto ms = [](Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); };
  out << "latency " << ms(near.latency) << " ms, jitter " << ms(near.jitter) << " ms, loss " << near.loss << ", burst "
      << near.burst.enter << '/' << near.burst.leave << ", reorder " << near.reorder << ", duplicate " << near.duplicate
      << ", corrupt " << near.corrupt << ", " << near.bits_per_second / 1'000 << " kbit/s queue " << near.queue_bytes
      << ", outages " << near.outages.size() << "; signaling " << ms(signaling_delay) << '+' << ms(signaling_jitter)
      << " ms" << (stun ? ", STUN" : "") << (ipv6 ? ", IPv6" : "") << '\n';
  for (const auto& nat : nats) {
    if (nat)
      out << "NAT " << static_cast<int>(nat->mapping) << static_cast<int>(nat->filtering)
          << static_cast<int>(nat->ports) << "; ";
    else
      out << "no NAT; ";
  }
  for (const auto& [at, side] : ice_restarts) out << "restart at " << ms(at) << " ms; ";
  if (rebinding) out << "rebinding at " << ms(rebinding->first) << " ms; ";
  out << "ending " << static_cast<int>(ending) << " by " << (closer == Side::A ? 'A' : 'B') << '\n';
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const ChannelPlan& c = channels[i];
    out << "channel " << i << " by " << (c.opener == Side::A ? 'A' : 'B') << " at " << ms(c.opens_at) << " ms"
        << (c.init.ordered ? "" : " unordered") << (c.reliable() ? "" : " partial")
        << (c.init.negotiated ? " negotiated" : "");
    for (const auto& messages : c.messages) {
      std::size_t bytes = 0;
      for (const std::size_t size : messages) bytes += size;
      out << ", " << messages.size() << " messages of " << bytes << " bytes";
    }
    if (c.closer) out << ", closed by " << (*c.closer == Side::A ? 'A' : 'B');
    if (c.successor) out << ", then channel " << *c.successor << " after " << ms(c.successor_after) << " ms";
    out << '\n';
  }
  return out.str();
}

void Plan::draw_channels(Generator& random) {
  // Most lives carry tens of kilobytes, some a megabyte.
  budget_ = std::size_t{1'000} << random.below(11);
  const std::size_t count = between(random, 1, 6);
  for (std::size_t i = 0; i < count; ++i) {
    ChannelPlan c;
    c.opener = i == 0 ? Side::A : draw_side(random);
    if (i != 0) {
      c.init.ordered = chance(random, 0.6);
      if (chance(random, 0.15)) {
        c.init.max_retransmits = static_cast<std::uint16_t>(random.below(6));
      } else if (chance(random, 0.15)) {
        c.init.max_packet_life_time = static_cast<std::uint16_t>(random.below(2'000));
      }
      if (chance(random, 0.6)) c.opens_at = up_to(random, 10s);
      if (chance(random, 0.2)) {
        c.init.negotiated = true;
        c.init.id = static_cast<std::uint16_t>(1'000 + i);
      } else if (chance(random, 0.4)) {
        c.closer = draw_side(random);
      }
    }
    for (auto& messages : c.messages) {
      if (chance(random, 0.8)) messages.resize(between(random, 1, chance(random, 0.1) ? 100 : 10));
      for (std::size_t& size : messages) size = draw_size(random);
    }
    c.burst = between(random, 1, 20);
    c.pause = up_to(random, 500ms);
    channels.push_back(std::move(c));
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!channels[i].closer || !chance(random, 0.6)) continue;
    ChannelPlan again;
    again.opener = *channels[i].closer;
    again.messages[static_cast<std::size_t>(again.opener)] = {draw_size(random), draw_size(random), 3};
    again.burst = 3;
    channels[i].successor = channels.size();
    channels[i].successor_after = up_to(random, 1s);
    channels.push_back(std::move(again));
  }
}

void Plan::draw_events(Generator& random) {
  for (bool& lazy : lazy_reader) lazy = chance(random, 0.15);
  while (chance(random, 0.2)) ice_restarts.emplace_back(500ms + up_to(random, 10s), draw_side(random));
  if (chance(random, 0.1)) {
    const Side side = draw_side(random);
    if (nats[static_cast<std::size_t>(side)]) rebinding = {1s + up_to(random, 10s), side};
  }
  closer = draw_side(random);
  if (chance(random, 0.1)) {
    ending = chance(random, 0.5) ? Ending::Early : Ending::BothAtOnce;
    closes_at = up_to(random, 15s);
  }
  if (chance(random, 0.7)) last_words.resize(between(random, 1, 10));
  budget_ = std::max<std::size_t>(budget_, 30'000);
  for (std::size_t& size : last_words) size = draw_size(random);
}

}  // namespace linnet::sim
