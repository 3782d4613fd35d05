#include <array>
#include <chrono>
#include <vector>

#include "sctp/association/association.hpp"
#include "sctp/packet/checksum.hpp"
#include "sim/laws_suite.hpp"

namespace linnet::sctp {
namespace {

Options small() {
  Options options;
  options.max_send_queue = 256 * 1'024;
  options.max_message_size = 32 * 1'024;
  options.mtu = 1'100;
  options.max_mtu = 2'000;
  options.receive_window = 128 * 1'024;
  return options;
}

class AssociationFixture {
 public:
  using Machine = Association;
  static constexpr std::int64_t memory_limit = 4 * 1'024 * 1'024;
  static constexpr std::size_t hostile_inputs = 20'000;
  static constexpr std::uint64_t law_seeds = 6;
  /// DTLS finds flipped bits; with zero checksums SCTP does not.
  static constexpr bool checksummed = true;

  explicit AssociationFixture(Generator& random) : a_(small(), random), b_(small(), random) {}
  Association& machine(sim::Side side) { return side == sim::Side::A ? a_ : b_; }
  void start(TimePoint now) {
    a_.connect(now);
    b_.connect(now);
  }
  [[nodiscard]] bool ready() const {
    return a_.state() == SctpTransportState::Connected && b_.state() == SctpTransportState::Connected;
  }
  void act(TimePoint now, sim::Side side, Generator& random) {
    Association& m = machine(side);
    const StreamId stream{static_cast<std::uint16_t>(random.below(8))};
    switch (random.below(8)) {
      case 0: {
        const std::array streams{stream};
        (void)m.reset_streams(now, streams);
        return;
      }
      case 1:
        while (m.receive(stream)) {
        }
        return;
      case 2: m.path_changed(now); return;
      case 3: m.set_buffered_amount_low_threshold(stream, random.below(10'000)); return;
      default: {
        const std::vector<std::byte> payload(1 + random.below(random.below(4) == 0 ? 30'000 : 1'000));
        SendOptions options{.unordered = random.below(2) == 0};
        if (random.below(3) == 0)
          options.max_retransmits = static_cast<std::uint16_t>(random.below(3));
        else if (random.below(3) == 0)
          options.lifetime = std::chrono::milliseconds(random.below(500));
        (void)m.send(now, stream, Ppid{51}, payload, options);
      }
    }
  }
  void close(TimePoint now, sim::Side side) {
    if (side == sim::Side::A)
      machine(side).shutdown(now);
    else
      machine(side).abort(now, "done");
  }
  void on_event(TimePoint, sim::Side side, Event& event) {
    if (const auto* ready = std::get_if<MessageReady>(&event))
      while (machine(side).receive(ready->stream)) {
      }
  }
  static void repair(std::span<std::byte> packet) {
    if (packet.size() >= 12) write_checksum(packet);
  }

 private:
  Association a_;
  Association b_;
};

}  // namespace
}  // namespace linnet::sctp

namespace linnet::sim {
INSTANTIATE_TYPED_TEST_SUITE_P(Association, SevenLaws, sctp::AssociationFixture);
}  // namespace linnet::sim
