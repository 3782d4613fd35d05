// Two associations: the input picks a start state, then mixes packets that lie about, verbs and timeouts.
// Asserts that timeouts advance, that output ends, that memory stays in its limits, that the closed are silent.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "sctp/association/association.hpp"
#include "sctp/association/init_chunk.hpp"
#include "sctp/packet/checksum.hpp"

using namespace linnet;
using namespace linnet::sctp;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

struct World {
  SeededGenerator generator{1};
  static Options options(CongestionAlgorithm algorithm) {
    Options o;
    o.mtu = 1'100;
    o.max_mtu = 2'000;
    o.congestion_algorithm = algorithm;
    o.ecn = true;
    o.max_message_size = 20'000;
    o.receive_window = 40'000;
    o.max_send_queue = 60'000;
    return o;
  }
  Association a{options(CongestionAlgorithm::Bbr), generator};
  Association b{options(CongestionAlgorithm::Cubic), generator};
  TimePoint now{std::chrono::seconds(1)};
  std::vector<std::vector<std::byte>> from_a;
  std::vector<std::vector<std::byte>> from_b;

  void drain(Association& machine, std::vector<std::vector<std::byte>>& to) {
    std::array<std::byte, 2'048> out;
    std::size_t packets = 0;
    while (const std::size_t size = machine.poll_packet(now, out)) {
      require(++packets < 10'000 && size <= out.size());
      if (to.size() < 64) to.emplace_back(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size));
    }
    while (const auto event = machine.poll_event()) require(++packets < 10'000);
    require(machine.statistics().receive_window <= 40'000);
    require(machine.total_buffered() <= 60'000);
    if (machine.state() == SctpTransportState::Closed) require(machine.next_timeout() == never);
  }
  void deliver() {
    for (int round = 0; round < 4; ++round) {
      drain(a, from_a);
      drain(b, from_b);
      for (auto& packet : std::exchange(from_a, {})) b.handle_packet(now, packet, round == 1 ? Ecn::Ce : Ecn::Ect0);
      for (auto& packet : std::exchange(from_b, {})) a.handle_packet(now, packet, round == 2 ? Ecn::Ce : Ecn::Ect0);
    }
  }
  void begin_from_inits() {
    const auto of_a = make_init(options(CongestionAlgorithm::Bbr), generator);
    const auto of_b = make_init(options(CongestionAlgorithm::Cubic), generator);
    require(a.connect(now, {.local = of_a, .peer = of_b}).has_value());
    require(b.connect(now, {.local = of_b, .peer = of_a}).has_value());
  }
  void fire(Association& machine) {
    const TimePoint at = machine.next_timeout();
    if (at == never) return;
    now = std::max(now, at);
    machine.handle_timeout(now);
    require(machine.next_timeout() > now);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World world;
  ByteReader in(std::span<const std::byte>(reinterpret_cast<const std::byte*>(data), size));
  const std::uint8_t start = in.u8();
  if ((start & 8U) != 0) world.begin_from_inits();
  if ((start & 1U) != 0) world.a.connect(world.now);
  if ((start & 2U) != 0) world.b.connect(world.now);
  if ((start & 4U) != 0) world.deliver();
  while (in.remaining() != 0) {
    const std::uint8_t op = in.u8();
    Association& machine = (op & 0x80U) != 0 ? world.b : world.a;
    auto& flying = (op & 0x80U) != 0 ? world.from_a : world.from_b;
    const StreamId stream{static_cast<std::uint16_t>(in.u8() & 7U)};
    switch (op & 15U) {
      case 1: {  // a SACK that claims what it likes about TSNs that are in flight
        std::uint32_t cumulative = 0;
        for (const auto& packet : flying)
          if (packet.size() >= 28 && packet[12] == std::byte{3})
            cumulative = load_be<std::uint32_t>(packet.data() + 16);
        if (cumulative == 0) break;
        const std::size_t gaps = in.u8() % 8;
        const std::size_t duplicates = in.u8() % 8;
        std::vector<std::byte> packet(28 + 4 * (gaps + duplicates));
        std::copy_n(flying.back().begin(), 12, packet.begin());
        packet[12] = std::byte{3};
        store_be(packet.data() + 14, static_cast<std::uint16_t>(packet.size() - 12));
        store_be(packet.data() + 16, cumulative + (in.u8() & 7U) - 2U);
        store_be(packet.data() + 20, std::uint32_t{in.u16()});
        store_be(packet.data() + 24, static_cast<std::uint16_t>(gaps));
        store_be(packet.data() + 26, static_cast<std::uint16_t>(duplicates));
        std::uint16_t at = 0;
        for (std::size_t i = 0; i < gaps; ++i)
          for (const std::size_t field : {std::size_t{0}, std::size_t{2}}) {
            at = static_cast<std::uint16_t>(at + (in.u8() & 15U));
            store_be(packet.data() + 28 + 4 * i + field, at);
          }
        for (std::size_t i = 0; i < duplicates; ++i)
          store_be(packet.data() + 28 + 4 * (gaps + i), cumulative + (in.u8() & 31U) - 16U);
        write_checksum(packet);
        machine.handle_packet(world.now, packet);
        break;
      }
      case 0:
      case 2: {  // our own bytes behind a right header
        const std::size_t length = in.u8();
        const auto body = in.bytes(std::min<std::size_t>(length, in.remaining()));
        std::vector<std::byte> packet(12 + body.size());
        // The last packet on its way lends its tag.
        if (!flying.empty() && flying.back().size() >= 12) std::copy_n(flying.back().begin(), 12, packet.begin());
        store_be(packet.data(), std::uint16_t{5000});
        store_be(packet.data() + 2, std::uint16_t{5000});
        std::ranges::copy(body, packet.begin() + 12);
        write_checksum(packet);
        machine.handle_packet(world.now, packet);
        break;
      }
      case 3: {  // one that lies about, damaged
        if (flying.empty()) break;
        auto packet = flying[in.u8() % flying.size()];
        for (std::uint8_t changes = in.u8() & 3U; changes != 0; --changes)
          packet[in.u16() % packet.size()] ^= static_cast<std::byte>(in.u8());
        write_checksum(packet);
        machine.handle_packet(world.now, packet);
        break;
      }
      case 4: world.deliver(); break;
      case 5: world.fire(machine); break;
      case 6:
      case 7: {
        const std::vector<std::byte> payload(1 + std::size_t{in.u16()} % 21'000);
        SendOptions options{.unordered = (op & 16U) != 0};
        if ((op & 32U) != 0) options.max_retransmits = std::uint16_t{0};
        if ((op & 64U) != 0) options.lifetime = std::chrono::milliseconds(in.u8());
        (void)machine.send(world.now, stream, Ppid{51}, payload, options);
        break;
      }
      case 8:
        while (machine.receive(stream)) {
        }
        break;
      case 9: {
        const std::array streams{stream};
        (void)machine.reset_streams(world.now, streams);
        break;
      }
      case 10: machine.shutdown(world.now); break;
      case 11:
        if ((op & 0x70U) == 0x70U) machine.abort(world.now, "fuzz");
        break;
      case 12: machine.path_changed(world.now); break;
      case 13: world.now += std::chrono::milliseconds(in.u8()); break;
      case 14: world.drain(machine, (op & 0x80U) != 0 ? world.from_b : world.from_a); break;
      default: machine.connect(world.now); break;
    }
  }
  world.deliver();
  return 0;
}
