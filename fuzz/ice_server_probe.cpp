#include <algorithm>
#include <array>
#include <vector>

#include "check.hpp"
#include "ice/server_probe.hpp"
#include "stun/message_builder.hpp"

// What asks a STUN or TURN server whether it serves us, against servers that answer as they like. The first byte
// chooses the kind of server. It comes to an end in bounded time, whatever comes, and says no more then than a goodbye.
namespace {

using namespace linnet;
using ice::Server;
using ice::ServerProbe;
using stun::AttributeType;

constexpr auto limit = std::chrono::seconds{8};

class World {
 public:
  explicit World(std::uint8_t kind)
      : probe_({.kind = kind & 1U ? Server::Kind::Turn : Server::Kind::Stun,
                .protocol = kind & 2U ? Protocol::Tcp : Protocol::Udp,
                .username = "ann",
                .credential = "apple"},
               limit, random_) {
    probe_.start(now_);
    poll();
  }
  void step(std::uint8_t what, std::span<const std::byte> more) {
    switch (what % 4) {
      case 0: return pass(std::chrono::milliseconds{more.empty() ? 0 : std::to_integer<int>(more[0]) * 10});
      case 1: return answer(stun::Class::Success, more);
      case 2: return answer(stun::Class::Error, more);
      default: return hand_in({more.begin(), more.end()});
    }
  }
  void finish() {
    for (int i = 0; probe_.next_timeout() != never; ++i) {
      require(i < 1'000 && probe_.next_timeout() > now_ && probe_.next_timeout() <= now_ + limit);
      pass(probe_.next_timeout() - now_);
    }
    const auto& found = probe_.result();
    require(found.outcome != ServerProbe::Outcome::Pending);
    require((found.outcome == ServerProbe::Outcome::Refused) == (found.error_code != 0));
    require(found.relayed.size() <= 2 && found.text.size() < 1'000);
    answer(stun::Class::Success, {});
    require(!said_);
  }

 private:
  void answer(stun::Class kind, std::span<const std::byte> more) {
    const auto pick = [&](std::size_t i) { return i < more.size() ? std::to_integer<std::uint8_t>(more[i]) : 0U; };
    const Endpoint endpoint{IpAddress::v4({198, 51, 100, static_cast<std::uint8_t>(pick(1))}), 2'000};
    std::vector<std::byte> bytes(512);
    stun::MessageBuilder out{bytes, kind, method_, id_};
    if (kind == stun::Class::Error) {
      out.error_code(static_cast<stun::ErrorCode>(pick(0) < 20 ? 401 : 300 + pick(0) % 240));
      if (pick(1) % 2 == 0) out.text(AttributeType::Realm, "r").text(AttributeType::Nonce, "n");
      if (pick(2) % 4 == 0) out.address(AttributeType::AlternateServer, endpoint);
    } else {
      out.xor_address(AttributeType::XorMappedAddress, endpoint);
      if (pick(0) % 2 == 0) out.xor_address(AttributeType::XorRelayedAddress, endpoint);
      if (pick(2) % 2 == 0) out.u32(AttributeType::Lifetime, 600);
      out.integrity(stun::long_term_key("ann", "r", "apple"));
    }
    bytes.resize(out.fingerprint().finish());
    hand_in(std::move(bytes));
  }
  void hand_in(std::vector<std::byte> bytes) {
    said_ = false;
    probe_.handle_packet(now_, bytes);
    poll();
  }
  void pass(Duration time) {
    now_ += time;
    if (probe_.next_timeout() <= now_) probe_.handle_timeout(now_);
    require(probe_.next_timeout() > now_);
    poll();
  }
  void poll() {
    std::array<std::byte, 1'500> room{};
    for (int i = 0; const std::size_t size = probe_.poll_packet(now_, room); ++i) {
      require(i < 100);
      const auto message = stun::MessageView::parse(std::span{room}.first(size));
      require(message.has_value());
      id_ = message->transaction_id();
      method_ = message->method();
      said_ = true;
    }
  }
  SeededGenerator random_{1};
  TimePoint now_{std::chrono::hours{1}};
  ServerProbe probe_;
  stun::TransactionId id_{};
  stun::Method method_ = stun::Method::Binding;
  bool said_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  World world{data[0]};
  auto rest = std::as_bytes(std::span{data + 1, size - 1});
  for (int steps = 0; rest.size() >= 2 && steps < 200; ++steps) {
    const auto what = std::to_integer<std::uint8_t>(rest[0]);
    const std::size_t length = std::min<std::size_t>(std::to_integer<std::size_t>(rest[1]) % 64, rest.size() - 2);
    world.step(what, rest.subspan(2, length));
    rest = rest.subspan(2 + length);
  }
  world.finish();
  return 0;
}
