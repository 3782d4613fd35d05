// The hub under hostile clients: connections come, say anything, wait and go. Asserts the laws of machines:
// bounded output, timeouts that advance, no event for a connection that is gone, silence after the last one.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "hub/hub.hpp"

using namespace linnet;
using namespace linnet::signaling;

namespace {

constexpr std::array<std::string_view, 18> phrases{
    R"({"type":"hello","peer":"a"})",
    R"({"type":"hello","peer":"b"})",
    R"({"type":"hello"})",
    R"({"type":"join","room":"x","id":1})",
    R"({"type":"join","room":"y","data":{"name":"n"}})",
    R"({"type":"leave","room":"x","id":2})",
    R"({"type":"update","room":"x","data":{}})",
    R"({"type":"signal","to":"a","candidate":null})",
    R"({"type":"signal","to":"b","room":"x","candidates":[null,null]})",
    R"({"type":"signal","to":"b","description":{"type":"offer","sdp":""},"id":"z"})",
    R"({"type":"signal","to":"a","conn":"c","close":{"reason":"r"}})",
    R"({"type":"message","data":1})",
    R"({"type":"message","to":"a","data":[]})",
    R"({"type":"ping","t":1})",
    R"({"type":"pong"})",
    R"({"type":"hello","peer":"a","resume":{"token":"t","seq":0}})",
    R"({"type":"nothing"})",
    R"(not json)"};

void check(bool condition) {
  if (!condition) std::abort();
}

class Driver {
 public:
  Driver() : hub_(options(), random_) {}

  void run(std::string_view input) {
    while (!input.empty()) {
      const auto op = static_cast<unsigned char>(input[0]);
      input.remove_prefix(1);
      const ConnectionId id((op >> 5U) + base_);
      step(op & 31U, id, input);
      if ((op & 16U) != 0) drain();
      check(hub_.connections() <= 6 && hub_.rooms() <= 12 && hub_.peers() <= hub_.connections());
    }
    hub_.shut_down(now_);
    drain();
    check(hub_.connections() == 0 && hub_.rooms() == 0 && hub_.peers() == 0 && hub_.next_timeout() == never);
  }

 private:
  static HubOptions options() {
    HubOptions out;
    out.turn = {{.urls = {"turn:{host}:3478"}, .secret = "north", .lifetime = std::chrono::seconds(12)}};
    out.limits.max_sessions = 5;
    out.limits.max_queue_messages = 16;
    out.limits.max_peers_per_room = 3;
    out.limits.max_rooms_per_peer = 2;
    out.limits.max_candidates = 4;
    out.limits.max_addresses = 3;
    out.limits.messages_burst = 60;
    out.limits.max_violations = 5;
    return out;
  }

  void step(unsigned op, ConnectionId id, std::string_view& input) {
    switch (op & 15U) {
      case 0:
        hub_.connect(now_, id, (op & 16U) != 0 ? "" : std::string(1, static_cast<char>('a' + id.value() % 5)),
                     (op & 16U) != 0 ? "localhost" : "");
        break;
      case 1: hub_.disconnect(now_, id); break;
      case 2: hub_.handle_binary(now_, id); break;
      case 3: hub_.overflow(now_, id); break;
      case 4: hub_.connect_unsupported(now_, id); break;
      case 5: advance(); break;
      case 6:
        now_ += std::chrono::seconds(7);
        hub_.handle_timeout(now_);
        break;
      case 7: {
        const std::size_t size = std::min<std::size_t>(input.size(), 64);
        hub_.handle_text(now_, id, input.substr(0, size));
        input.remove_prefix(size);
        break;
      }
      case 8: hub_.handle_text(TimePoint(), id, phrases[0]); break;  // An older time is harmless.
      default:
        if (input.empty()) return;
        hub_.handle_text(now_, id, phrases[static_cast<unsigned char>(input[0]) % phrases.size()]);
        input.remove_prefix(1);
    }
  }

  void advance() {
    const TimePoint at = hub_.next_timeout();
    if (at == never) return;
    now_ = std::max(now_, at);
    hub_.handle_timeout(now_);
    check(hub_.next_timeout() > now_);
  }

  void drain() {
    std::size_t events = 0;
    while (auto event = hub_.poll_event()) {
      ++events;
      if (const auto* close = std::get_if<Hub::Close>(&*event)) check(close->code >= 4000 && close->code < 5000);
    }
    check(events < 100'000);
  }

  SeededGenerator random_{1};
  Hub hub_;
  TimePoint now_{std::chrono::hours(1)};
  std::uint64_t base_ = 1;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Driver().run({reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 4096)});
  return 0;
}
