#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "ice/turn/relays.hpp"
#include "stun/message_builder.hpp"

// The allocations of an agent and a server that knows the password and may say anything: raw bytes, authentic nonsense,
// answers to what was asked, verbs and time in any order. What is sent is STUN or ChannelData to a server; timeouts
// advance; a closed one is silent.
namespace {

using namespace linnet;
using ice::turn::Relays;

ice::Server make_server(Protocol protocol) {
  return {.kind = ice::Server::Kind::Turn,
          .host = "t.example",
          .port = 3'478,
          .protocol = protocol,
          .username = "u",
          .credential = "p",
          .url = protocol == Protocol::Udp ? "turn:t.example" : "turns:t.example"};
}

class Run {
 public:
  explicit Run(std::span<const std::byte> input) : in_(input) {}

  void all() {
    while (in_.remaining() != 0) {
      step(in_.u8());
      drain();
    }
    for (int i = 0; i < 200 && relays_.next_timeout() != never; ++i) {
      now_ = std::max(now_, relays_.next_timeout());
      relays_.handle_timeout(now_);
      drain();
      if (relays_.next_timeout() <= now_) std::abort();
    }
    relays_.close(now_);
    while (relays_.poll_event()) {
    }
    drain();
    if (relays_.next_timeout() != never || !relays_.empty() || relays_.has_goodbyes()) std::abort();
  }

 private:
  static Endpoint local() { return {IpAddress::v4({10, 0, 0, 1}), 1'000}; }
  static Endpoint server_at(unsigned n) {
    return {IpAddress::v4({198, 51, 100, static_cast<std::uint8_t>(1 + n % 3)}), 3'478};
  }
  static Endpoint peer(unsigned n) {
    if (n % 4 == 3) return {*IpAddress::parse("2001:db8::7"), 7};
    return {IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(n)}), static_cast<std::uint16_t>(n)};
  }

  void step(unsigned what) {
    switch (what % 14) {
      case 0: (void)relays_.start(now_, make_server(Protocol::Udp), local(), 0, server_at(in_.u8())); break;
      case 1: (void)relays_.start(now_, make_server(Protocol::Tls), local(), 0, server_at(in_.u8())); break;
      case 2:
        if (!streams_.empty()) relays_.connected(now_, streams_.back());
        break;
      case 3:
        if (!streams_.empty()) relays_.disconnected(now_, streams_.back(), "over");
        break;
      case 4:
      case 5:
      case 6: answer(); break;
      case 7: raw(); break;
      case 8: data(); break;
      case 9: (void)relays_.permit(now_, {relayed_, peer(in_.u8())}); break;
      case 10: relays_.bind(now_, {relayed_, peer(in_.u8())}); break;
      case 11: {
        const std::array<Path, 1> kept{Path{relayed_, peer(in_.u8())}};
        relays_.release(now_, std::span{kept}.first(what >= 128 ? 1 : 0));
        break;
      }
      case 12: {
        const std::array servers{make_server(Protocol::Udp)};
        if (what >= 128)
          relays_.keep(now_, servers, relayed_);
        else
          send();
        break;
      }
      default:
        now_ = std::max(now_, std::min(relays_.next_timeout(), now_ + std::chrono::seconds{in_.u8()}));
        relays_.handle_timeout(now_);
    }
  }

  void send() {
    batch_.clear();
    const std::size_t size = in_.u8();
    const auto room = relays_.begin(batch_, {relayed_, peer(in_.u8())}, Ecn::NotEct, size);
    if (room.size() < size) std::abort();
    relays_.commit(batch_, size, Sizing::Path);
    check_batch();
  }

  void answer() {
    if (requests_.empty()) return;
    const auto [path, method, id] = requests_.front();
    requests_.pop_front();
    const unsigned flags = in_.u8();
    std::array<std::byte, 600> room{};
    const bool error = (flags & 1U) != 0;
    stun::MessageBuilder m{room, error ? stun::Class::Error : stun::Class::Success, method, id};
    if (error) {
      constexpr std::array<unsigned, 12> codes{300, 400, 401, 403, 437, 438, 440, 441, 442, 486, 500, 508};
      const unsigned code = codes[in_.u8() % codes.size()];
      m.error_code(static_cast<stun::ErrorCode>(code));
      if (code == 300) m.address(stun::AttributeType::AlternateServer, server_at(in_.u8()));
      if (code == 401 || code == 438)
        m.text(stun::AttributeType::Realm, "r").text(stun::AttributeType::Nonce, (flags & 2U) != 0 ? "n" : "m");
    } else {
      if ((flags & 2U) == 0) m.xor_address(stun::AttributeType::XorRelayedAddress, relayed_);
      if ((flags & 4U) == 0) m.u32(stun::AttributeType::Lifetime, std::uint32_t{in_.u8()} * 8);
      if ((flags & 8U) == 0) m.xor_address(stun::AttributeType::XorMappedAddress, local());
    }
    if ((flags & 16U) == 0) m.integrity(stun::long_term_key("u", "r", "p"));
    m.fingerprint();
    deliver(path, std::span{room}.first(m.finish()));
  }

  void data() {
    const unsigned flags = in_.u8();
    std::array<std::byte, 300> room{};
    const auto from = peer(in_.u8());
    const Path path{local(), server_at(flags)};
    if ((flags & 128U) != 0) {
      store_be(room.data(), static_cast<std::uint16_t>(0x4000U + (flags & 7U)));
      store_be(room.data() + 2, static_cast<std::uint16_t>(in_.u8()));
      return deliver(path, std::span{room}.first(100));
    }
    stun::MessageBuilder m{room, stun::Class::Indication, stun::Method::Data, {}};
    m.xor_address(stun::AttributeType::XorPeerAddress, from).attribute(stun::AttributeType::Data, in_.bytes(4));
    deliver(path, std::span{room}.first(m.finish()));
  }

  void raw() {
    const unsigned to = in_.u8();
    const auto bytes = in_.bytes(std::min<std::size_t>(in_.remaining(), in_.u8()));
    std::vector<std::byte> copy(bytes.begin(), bytes.end());
    deliver({local(), server_at(to)}, copy);
  }

  void deliver(const Path& path, std::span<std::byte> bytes) {
    const Datagram datagram{.at = now_, .path = path, .bytes = bytes};
    const auto inner = relays_.unwrap(now_, datagram);
    if (!inner) return;
    // Inside of what came, or what came.
    if (!inner->bytes.empty() && (inner->bytes.data() < bytes.data() ||
                                  inner->bytes.data() + inner->bytes.size() > bytes.data() + bytes.size())) {
      std::abort();
    }
  }

  void check_batch() {
    for (const auto& run : batch_.runs()) {
      for (std::size_t at = 0; at < run.bytes.size(); at += run.segment_size) {
        const auto bytes = run.bytes.subspan(at, std::min(run.segment_size, run.bytes.size() - at));
        if (run.path.local == relayed_) continue;  // No allocation of that address: it went as it was.
        if ((std::to_integer<unsigned>(bytes.front()) & 0xC0U) == 0x40U) continue;
        const auto message = stun::MessageView::parse(bytes);
        if (!message) std::abort();
        if (message->message_class() == stun::Class::Request && requests_.size() < 64)
          requests_.push_back({run.path, message->method(), message->transaction_id()});
      }
    }
    batch_.clear();
  }

  void drain() {
    int most = 2'000;
    for (Progress progress = Progress::More; progress == Progress::More;) {
      if (--most == 0) std::abort();
      batch_.clear();
      progress = relays_.poll_transmit(now_, batch_);
      check_batch();
    }
    while (auto event = relays_.poll_event()) {
      if (--most == 0) std::abort();
      if (const auto* connect = std::get_if<Relays::Connect>(&*event)) streams_.push_back(connect->path);
      if (const auto* allocated = std::get_if<Relays::Allocated>(&*event)) {
        if (allocated->relayed.empty()) std::abort();
      }
    }
  }

  struct Request {
    Path path;
    stun::Method method;
    stun::TransactionId id;
  };
  ByteReader in_;
  SeededGenerator random_{1};
  Relays relays_{{.rto = std::chrono::milliseconds{500},
                  .max_sends = 7,
                  .last_wait = 16,
                  .allocate_timeout = std::chrono::seconds{9},
                  .keepalive = std::chrono::seconds{15},
                  .max_relays = 4},
                 1,
                 random_};
  TimePoint now_ = TimePoint{} + std::chrono::hours{1};
  Endpoint relayed_{IpAddress::v4({198, 51, 100, 9}), 50'000};
  DatagramBatch batch_{65'536};
  std::deque<Request> requests_;
  std::vector<Path> streams_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t most = 1'024;
  Run{std::as_bytes(std::span{data, std::min(size, most)})}.all();
  return 0;
}
