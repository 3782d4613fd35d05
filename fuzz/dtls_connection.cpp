// A client and a server in a state chosen by the first byte; the rest are operations on them: datagrams that the
// other end sent, changed or not, raw bytes, timeouts and verbs. The laws that hold whatever comes: nothing that
// was not sealed is delivered, timers advance, closed ends are silent, and memory safety.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

#include "crypto/certificate.hpp"
#include "dtls/connection.hpp"

using namespace linnet;
using namespace linnet::dtls;

namespace {

using Bytes = std::vector<std::byte>;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Keys {
  SeededGenerator random{1};
  crypto::LibraryContext context = crypto::LibraryContext::seeded(random);
  crypto::Certificate certificates[2] = {make(), make()};
  crypto::Certificate make() {
    return crypto::Certificate::generate(context, random, std::chrono::sys_seconds{std::chrono::seconds{1'790'000'000}})
        .value();
  }
};

class World {
 public:
  World(Keys& keys, Generator& random)
      : ends_{{Options{.context = keys.context, .certificate = keys.certificates[0]}, random},
              {Options{.context = keys.context, .certificate = keys.certificates[1]}, random}},
        keys_(keys) {}

  void start(std::size_t side) {
    if (started_[side]) return;
    started_[side] = true;
    ends_[side].start(now, side == 0 ? Role::Client : Role::Server);
  }
  void trust(std::size_t side) { ends_[side].set_remote_fingerprints({keys_.certificates[1 - side].fingerprint()}); }
  void drain(std::size_t side) {
    std::array<std::byte, 2'000> out;
    for (int i = 0; const std::size_t size = ends_[side].poll_packet(now, out); ++i) {
      require(i < 1'000 && size <= 1'200);
      if (flying_[side].size() < 64) flying_[side].emplace_back(out.begin(), out.begin() + static_cast<long>(size));
    }
    while (ends_[side].poll_event()) {
    }
    for (const auto& data : ends_[side].take_early_data()) delivered(data);
  }
  void handle(std::size_t side, Bytes datagram) {
    for (const auto payload : ends_[side].handle_packet(now, datagram)) delivered(payload);
  }
  void exchange(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      for (std::size_t side : {0U, 1U}) {
        drain(side);
        while (!flying_[side].empty()) deliver(side, {});
      }
    }
  }
  /// Hands over the oldest datagram of `side`, with one byte changed if `change` says so.
  void deliver(std::size_t side, std::span<const std::uint8_t> change, bool keep = false) {
    if (flying_[side].empty()) return;
    Bytes packet = flying_[side].front();
    if (!keep) flying_[side].pop_front();
    if (change.size() >= 2) packet[change[0] % packet.size()] ^= std::byte{change[1]};
    handle(1 - side, std::move(packet));
  }
  void seal(std::size_t side) {
    std::array<std::byte, 100> record{};
    const std::size_t room = ends_[side].header_room();
    std::fill_n(record.begin() + static_cast<long>(room), 20, std::byte{0x77});
    const std::size_t size = ends_[side].seal(record, 20);
    require((size != 0) == ends_[side].connected());
    if (size != 0 && flying_[side].size() < 64)
      flying_[side].emplace_back(record.begin(), record.begin() + static_cast<long>(size));
  }
  void time_out(std::size_t side) {
    const TimePoint next = ends_[side].next_timeout();
    if (next == never) return;
    now = std::max(now, next);
    ends_[side].handle_timeout(now);
    require(ends_[side].next_timeout() > now);
  }
  void close(std::size_t side) {
    ends_[side].close(now);
    drain(side);
    require(ends_[side].next_timeout() == never);
  }
  void lose(std::size_t side) {
    if (!flying_[side].empty()) flying_[side].pop_front();
  }

  TimePoint now{};

 private:
  void delivered(std::span<const std::byte> data) {
    require(data.size() == 20 && std::ranges::all_of(data, [](std::byte b) { return b == std::byte{0x77}; }));
  }
  Connection ends_[2];
  Keys& keys_;
  bool started_[2] = {};
  std::deque<Bytes> flying_[2];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Keys keys;
  if (size == 0) return 0;
  SeededGenerator random{2};
  World world{keys, random};
  const std::uint8_t first = *data++;
  --size;
  // 0: nothing began. 1: both began. 2: the server has answered. 3: connected.
  const int age = first % 4;
  if (age >= 1) {
    for (std::size_t side : {0U, 1U}) {
      if ((first & 4) == 0) world.trust(side);
      world.start(side);
      world.drain(side);
    }
  }
  if (age == 2) world.deliver(0, {});
  if (age == 3) world.exchange(3);
  for (int steps = 0; size >= 4 && steps < 200; ++steps) {
    const std::uint8_t operation = data[0];
    const std::size_t side = operation & 1;
    const std::span<const std::uint8_t> arguments{data + 1, 3};
    data += 4;
    size -= 4;
    switch (operation >> 1 & 15) {
      case 0: world.start(side); break;
      case 1: world.trust(side); break;
      case 2: world.drain(side); break;
      case 3: world.deliver(side, {}); break;
      case 4: world.deliver(side, arguments); break;
      case 5: world.deliver(side, {}, true); break;
      case 6: world.seal(side); break;
      case 7: world.time_out(side); break;
      case 8: world.close(side); break;
      case 9: world.lose(side); break;
      case 10: world.now += std::chrono::milliseconds{arguments[0]}; break;
      case 11: world.exchange(1); break;
      default: {  // raw bytes
        const std::size_t n = std::min<std::size_t>(size, arguments[0]);
        const auto raw = std::as_bytes(std::span{data, n});
        world.handle(side, Bytes(raw.begin(), raw.end()));
        data += n;
        size -= n;
      }
    }
  }
  return 0;
}
