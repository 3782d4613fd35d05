#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "linnet/core/session.hpp"

// A session in one of several start states, then verbs, datagrams, descriptions and timeouts as the input says. Laws:
// nothing crashes, polling ends, a fired timeout advances, and a closed session comes to its Terminated and is silent.

namespace {

using namespace linnet;

class Input {
 public:
  explicit Input(std::span<const std::byte> bytes) : rest_(bytes) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] unsigned byte() {
    if (rest_.empty()) return 0;
    const auto value = std::to_integer<unsigned>(rest_.front());
    rest_ = rest_.subspan(1);
    return value;
  }
  [[nodiscard]] std::span<const std::byte> bytes(std::size_t size) {
    const auto out = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(out.size());
    return out;
  }

 private:
  std::span<const std::byte> rest_;
};

const Certificate& certificate(std::size_t which) {
  static SeededGenerator generator{7};
  static const std::vector<Certificate> made = [] {
    std::vector<Certificate> out;
    for (int i = 0; i < 2; ++i)
      out.push_back(Certificate::generate(generator, std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}).value());
    return out;
  }();
  return made[which];
}

struct End {
  static Tuning tuning(bool experimental) {
    Tuning out;
    out.experimental_snap = out.experimental_sped = experimental;
    return out;
  }
  End(std::size_t which, bool experimental)
      : generator(which),
        session(Session::create({.certificates = {certificate(which)}}, tuning(experimental),
                                {.generator = generator,
                                 .wall_clock = std::chrono::sys_days{std::chrono::year{2026} / 1 / 2},
                                 .simulation = true})
                    .value()),
        local{IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(which + 1)}), 1'000} {}
  SeededGenerator generator;
  std::unique_ptr<Session> session;
  Endpoint local;
  bool terminated = false;
  std::vector<ChannelId> channels;
};

class Run {
 public:
  /// The two lowest bits: which end has the experiments on.
  explicit Run(unsigned experimental) : a{0, (experimental & 1U) != 0}, b{1, (experimental & 2U) != 0} {}

  void poll(End& self, End& other) {
    for (int round = 0;; ++round) {
      if (round > 10'000) std::abort();
      bool again = false;
      while (auto event = self.session->poll_event()) {
        again = true;
        if (self.terminated) std::abort();
        on_event(self, other, *event);
      }
      batch.clear();
      const Progress progress = self.session->poll_transmit(now, batch);
      for (const auto& run : batch.runs()) deliver(run, other);
      if (!again && progress == Progress::Done && batch.empty()) return;
    }
  }
  void both() {
    for (int i = 0; i < 200; ++i) {
      const std::size_t before = delivered;
      poll(a, b);
      poll(b, a);
      if (delivered == before) return;
    }
  }
  void deliver(const DatagramBatch::Run& run, End& other) {
    const std::size_t segment = run.segment_size == 0 ? run.bytes.size() : run.segment_size;
    for (std::size_t at = 0; at < run.bytes.size(); at += segment) {
      const auto part = run.bytes.subspan(at, std::min(segment, run.bytes.size() - at));
      std::vector<std::byte> copy(part.begin(), part.end());
      last = copy;
      ++delivered;
      if (!lossy)
        other.session->handle_datagram(
            {.at = now, .path = {.local = run.path.remote, .remote = run.path.local}, .bytes = copy});
    }
  }
  void on_event(End& self, End& other, const Session::Event& event) {
    if (std::holds_alternative<Session::NeedSockets>(event)) {
      self.session->add_socket(now, {.local = self.local});
      self.session->sockets_done(now);
    } else if (const auto* found = std::get_if<Session::IceCandidateFound>(&event)) {
      if (found->candidate) (void)other.session->add_ice_candidate(now, *found->candidate);
    } else if (const auto* channel = std::get_if<Session::DataChannelAnnounced>(&event)) {
      self.channels.push_back(channel->channel);
    } else if (const auto* ready = std::get_if<Session::ChannelMessageReady>(&event)) {
      while (self.session->receive(ready->channel)) {
      }
    } else if (std::holds_alternative<Session::Terminated>(event)) {
      self.terminated = true;
    }
  }
  void fire(End& self) {
    const TimePoint at = self.session->next_timeout();
    if (at == never) return;
    now = std::max(now, at);
    self.session->handle_timeout(now);
  }
  void negotiate() {
    if (!a.session->set_local_description(now)) return;
    if (const auto offer = a.session->local_description()) (void)b.session->set_remote_description(now, *offer);
    (void)b.session->set_local_description(now);
    if (const auto answer = b.session->local_description()) (void)a.session->set_remote_description(now, *answer);
  }
  void channel(unsigned kind) {
    DataChannelInit init{.ordered = (kind & 1) == 0};
    if ((kind & 2) != 0) init.max_retransmits = static_cast<std::uint16_t>(kind);
    if ((kind & 4) != 0) {
      init.negotiated = true;
      init.id = static_cast<std::uint16_t>(kind);
    }
    if (const auto id = a.session->create_data_channel(now, "c", init)) a.channels.push_back(*id);
  }
  void connect(unsigned how) {
    channel(0);
    if (how == 0) return;
    negotiate();
    for (unsigned i = 0; i < how * 12; ++i) {
      both();
      now += std::chrono::milliseconds{5};
      a.session->handle_timeout(now);
      b.session->handle_timeout(now);
    }
  }
  void end() {
    a.session->close(now);
    for (int i = 0; i < 100'000 && !a.terminated; ++i) {
      poll(a, b);
      if (!a.terminated) {
        if (a.session->next_timeout() == never) std::abort();
        fire(a);
      }
    }
    if (!a.terminated) std::abort();
    if (a.session->next_timeout() != never || a.session->poll_event()) std::abort();
  }

  TimePoint now{};
  End a;
  End b;
  DatagramBatch batch;
  std::vector<std::byte> last;
  std::size_t delivered = 0;
  bool lossy = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input in{std::as_bytes(std::span{data, size})};
  const unsigned start = in.byte();
  Run run{start >> 2U};
  run.connect(start % 4);
  for (int steps = 0; !in.empty() && steps < 200; ++steps) {
    switch (in.byte() % 15) {
      case 0: {  // A datagram of the input's, from the peer's address.
        const auto bytes = in.bytes(in.byte());
        std::vector<std::byte> copy(bytes.begin(), bytes.end());
        run.a.session->handle_datagram(
            {.at = run.now, .path = {.local = run.a.local, .remote = run.b.local}, .bytes = copy});
        break;
      }
      case 1: {  // The last datagram again, changed.
        std::vector<std::byte> copy = run.last;
        if (!copy.empty()) {
          const std::size_t at = in.byte() % copy.size();
          copy[at] ^= static_cast<std::byte>(in.byte());
        }
        run.a.session->handle_datagram(
            {.at = run.now, .path = {.local = run.a.local, .remote = run.b.local}, .bytes = copy});
        break;
      }
      case 2: run.fire(run.a); break;
      case 3: run.fire(run.b); break;
      case 4: run.channel(in.byte()); break;
      case 5:
        if (!run.a.channels.empty()) {
          const auto bytes = in.bytes(in.byte());
          (void)run.a.session->send(run.now, run.a.channels[in.byte() % run.a.channels.size()], bytes);
        }
        break;
      case 6:
        if (!run.a.channels.empty())
          run.a.session->close_channel(run.now, run.a.channels[in.byte() % run.a.channels.size()]);
        break;
      case 7: run.negotiate(); break;
      case 8: run.a.session->restart_ice(run.now); break;
      case 9: {
        const auto bytes = in.bytes(in.byte());
        const std::string sdp{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
        (void)run.a.session->set_remote_description(run.now, {static_cast<SdpType>(in.byte() % 4), sdp});
        break;
      }
      case 10: {
        const auto bytes = in.bytes(in.byte());
        const std::string text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
        (void)run.a.session->add_ice_candidate(run.now, IceCandidateInit{.candidate = text, .sdp_m_line_index = 0});
        break;
      }
      case 11: run.lossy = !run.lossy; break;
      case 12: run.both(); break;
      case 13:
        if (in.byte() % 8 == 0)
          run.b.session->close(run.now);
        else
          (void)run.a.session->set_local_description(run.now, SessionDescription{SdpType::Rollback, ""});
        break;
      case 14: {  // The pool of candidates comes, goes and is gathered anew.
        Configuration configuration{.ice_candidate_pool_size = static_cast<std::uint8_t>(in.byte() % 2)};
        if (in.byte() % 2 == 0) configuration.ice_servers = {{.urls = {"stun:192.0.2.9"}}};
        (void)run.a.session->set_configuration(run.now, configuration);
        break;
      }
    }
  }
  run.both();
  (void)run.a.session->get_stats(run.now);
  run.end();
  return 0;
}
