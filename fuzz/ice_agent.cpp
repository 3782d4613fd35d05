#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "ice/agent.hpp"
#include "stun/message_builder.hpp"

// An agent and whoever knows its password: raw bytes, checks that are authentic but senseless, verbs and time in any
// order. Timeouts must advance, memory stays within the limits, a closed agent is silent.
namespace {

using namespace linnet;

class Run {
 public:
  explicit Run(std::span<const std::byte> input) : in_(input) {}

  void all() {
    if ((in_.u8() & 1U) != 0) agent_.set_role(now_, IceRole::Controlling);
    agent_.gather(now_);
    while (in_.remaining() != 0) {
      step(in_.u8());
      drain();
    }
    for (int i = 0; i < 2'000 && agent_.next_timeout() != never; ++i) {
      const TimePoint next = std::max(now_, agent_.next_timeout());
      now_ = next;
      agent_.handle_timeout(now_);
      drain();
      if (agent_.next_timeout() <= now_) std::abort();
    }
    agent_.close(now_);
    if (agent_.next_timeout() != never || agent_.poll_event()) std::abort();
  }

 private:
  void step(unsigned what) {
    switch (what % 12) {
      case 0: {
        const unsigned n = in_.u8();
        const auto protocol = (n & 128U) != 0 ? Protocol::Tcp : Protocol::Udp;
        // The same one again may have another name.
        const std::string name = (what & 32U) != 0 ? (what & 64U) != 0 ? "a.local" : "b.local" : "";
        agent_.add_socket(now_, {.local = local(n & 127U), .protocol = protocol, .name = name});
        break;
      }
      case 1: agent_.sockets_done(now_); break;
      case 2: agent_.set_role(now_, (what & 16U) != 0 ? IceRole::Controlling : IceRole::Controlled); break;
      case 3: (void)agent_.set_remote(now_, {.credentials = remote_, .lite = (what & 64U) != 0}); break;
      case 4: add_candidate(); break;
      case 5: check(); break;
      case 6: respond(); break;
      case 7: raw(); break;
      case 8:
        now_ = std::max(now_, std::min(agent_.next_timeout(), now_ + std::chrono::seconds{in_.u8()}));
        agent_.handle_timeout(now_);
        break;
      case 9:
        if ((what & 128U) != 0) {
          agent_.restart(now_);
          agent_.gather(now_);
        } else {
          agent_.remote_end_of_candidates(now_);
        }
        break;
      case 10: agent_.remove_socket(now_, local(in_.u8()), (what & 16U) != 0 ? Protocol::Tcp : Protocol::Udp); break;
      default:
        if ((what & 16U) != 0) {
          stream((what >> 5U) & 3U);
        } else if (!resolves_.empty()) {
          const std::array addresses{IpAddress::v4({10, 0, 1, in_.u8()})};
          agent_.resolved(now_, resolves_.back(), addresses);
          resolves_.pop_back();
        }
    }
    if (agent_.pairs().size() > agent_.options().max_pairs) std::abort();
    if (agent_.remote_candidates().size() > agent_.options().max_remote_candidates) std::abort();
    if (agent_.can_send() && !agent_.is_valid(*agent_.selected())) std::abort();
  }
  static Endpoint local(unsigned n) { return {IpAddress::v4({10, 0, 0, static_cast<std::uint8_t>(1 + n % 3)}), 1'000}; }
  static Endpoint far(unsigned n) { return {IpAddress::v4({10, 0, 1, static_cast<std::uint8_t>(n)}), 2'000}; }

  void add_candidate() {
    ice::Candidate candidate;
    candidate.foundation = "f";
    candidate.priority = in_.u32();
    const auto n = in_.u8();
    if (n % 8 == 0) {
      candidate.address = std::string("x.local");
    } else {
      candidate.address = far(n).address;
    }
    candidate.port = 2'000;
    if ((n & 64U) != 0) {
      candidate.protocol = Protocol::Tcp;
      candidate.tcp_type = (n & 32U) != 0 ? IceTcpCandidateType::Active : IceTcpCandidateType::Passive;
    }
    (void)agent_.add_remote_candidate(now_, candidate);
  }
  /// One of the streams that the agent asked for opens or ends, or one comes in.
  void stream(unsigned what) {
    const unsigned n = in_.u8();
    if (what == 0) {
      streams_.push_back({local(n), {far(n).address, static_cast<std::uint16_t>(40'000 + n)}, Protocol::Tcp});
      if (streams_.size() > 64) streams_.pop_front();
      agent_.connected(now_, streams_.back());
    } else if (!streams_.empty()) {
      const Path path = streams_[n % streams_.size()];
      if (what == 1)
        agent_.disconnected(now_, path, "broken");
      else
        agent_.connected(now_, path);
    }
  }
  Path path_of_check() {
    const unsigned n = in_.u8();
    const unsigned m = in_.u8();
    if ((n & 64U) != 0 && !streams_.empty()) return streams_[m % streams_.size()];
    return {local(n), far(m)};
  }
  void deliver(std::span<std::byte> bytes, const Path& path) {
    agent_.handle_datagram(Datagram{.at = now_, .path = path, .bytes = bytes});
  }
  void check() {
    const unsigned flags = in_.u8();
    std::array<std::byte, 12> id{};
    store_be(id.data(), ++serial_);
    std::array<std::byte, 300> room{};
    stun::MessageBuilder m{room, stun::Class::Request, stun::Method::Binding, stun::TransactionId{id}};
    m.text(stun::AttributeType::Username, agent_.local_credentials().ufrag + ':' + remote_.ufrag);
    m.u32(stun::AttributeType::Priority, in_.u32());
    m.u64((flags & 1U) != 0 ? stun::AttributeType::IceControlled : stun::AttributeType::IceControlling, in_.u64());
    if ((flags & 2U) != 0) m.flag(stun::AttributeType::UseCandidate);
    if ((flags & 4U) != 0) m.u32(stun::AttributeType::Nomination, in_.u8());
    if ((flags & 8U) != 0) m.flag(static_cast<stun::AttributeType>(0x7ABC));
    m.integrity(as_bytes(agent_.local_credentials().pwd)).fingerprint();
    deliver(std::span{room}.first(m.finish()), path_of_check());
  }
  void respond() {
    if (requests_.empty()) return;
    const auto [path, id] = requests_.back();
    requests_.pop_back();
    const unsigned flags = in_.u8();
    std::array<std::byte, 200> room{};
    stun::MessageBuilder m{room, (flags & 1U) != 0 ? stun::Class::Error : stun::Class::Success, stun::Method::Binding,
                           id};
    if ((flags & 1U) != 0)
      m.error_code((flags & 2U) != 0 ? stun::ErrorCode::RoleConflict : stun::ErrorCode::ServerError);
    if ((flags & 4U) == 0)
      m.xor_address(stun::AttributeType::XorMappedAddress, (flags & 8U) != 0 ? far(flags) : path.local);
    m.integrity(as_bytes(remote_.pwd)).fingerprint();
    deliver(std::span{room}.first(m.finish()), path);
  }
  void raw() {
    const auto bytes = in_.bytes(std::min<std::size_t>(in_.remaining(), in_.u8()));
    std::vector<std::byte> copy(bytes.begin(), bytes.end());
    deliver(copy, Path{local(0), far(1)});
  }
  void drain() {
    int most = 5'000;
    while (agent_.poll_transmit(now_, batch_) == Progress::More || !batch_.empty()) {
      if (--most == 0) std::abort();
      for (const auto& run : batch_.runs()) {
        const auto first =
            run.bytes.first(std::min(run.bytes.size(), run.segment_size == 0 ? run.bytes.size() : run.segment_size));
        const auto message = stun::MessageView::parse(first);
        if (!message) std::abort();
        if (message->message_class() == stun::Class::Request && requests_.size() < 64) {
          requests_.emplace_back(run.path, message->transaction_id());
        }
      }
      batch_.clear();
    }
    while (auto event = agent_.poll_event()) {
      if (--most == 0) std::abort();
      if (const auto* resolve = std::get_if<ice::Resolve>(&*event)) resolves_.push_back(resolve->id);
      if (const auto* connect = std::get_if<ice::Connect>(&*event); connect != nullptr && streams_.size() < 64)
        streams_.push_back(connect->path);
    }
  }

  ByteReader in_;
  SeededGenerator random_{7};
  ice::Agent agent_{{.tcp = IceTcp::ActivePassive}, random_};
  ice::Credentials remote_{"peer", "0123456789012345678901"};
  TimePoint now_{std::chrono::hours{1}};
  DatagramBatch batch_{65'536};
  std::vector<std::pair<Path, stun::TransactionId>> requests_;
  std::vector<ice::ResolveId> resolves_;
  std::deque<Path> streams_;
  std::uint32_t serial_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8'192) return 0;
  Run{std::as_bytes(std::span{data, size})}.all();
  return 0;
}
