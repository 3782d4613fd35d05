#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "transport/socket_demux.hpp"

// Three sessions on one socket, with datagrams of a peer and of theirs: memory stays within the limits, a path is never
// two members', and what left is routed to nobody.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace linnet;
  using transport::MemberId;
  constexpr std::size_t members = 3;
  constexpr transport::SocketDemux::Options limits{.max_requests = 16, .max_paths = 4};
  transport::SocketDemux demux{limits};
  std::array<MemberId, members> ids{};
  std::array<bool, members> present{};
  for (std::size_t i = 0; i < members; ++i) {
    ids[i] = demux.add();
    present[i] = true;
    demux.set_username_fragments(ids[i], {std::string(4, static_cast<char>('a' + i))});
  }
  TimePoint now{};
  // What to do, for whom, on which path, how long; then the bytes.
  for (std::size_t at = 0; at + 4 <= size;) {
    const unsigned verb = data[at] % 8;
    const std::size_t who = data[at + 1] % members;
    const Path path{.local = {IpAddress::v4({192, 0, 2, 1}), 1},
                    .remote = {IpAddress::v4({192, 0, 2, 2}), static_cast<std::uint16_t>(1 + data[at + 2] % 16)}};
    const std::size_t length = std::min<std::size_t>(data[at + 3], size - at - 4);
    std::vector<std::byte> bytes(length);
    for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::byte>(data[at + 4 + i]);
    at += 4 + length;
    if (verb < 3) {
      const auto whose = demux.route({now, path, Ecn::NotEct, bytes});
      if (!whose) continue;
      bool known = false;
      for (std::size_t i = 0; i < members; ++i) known |= present[i] && ids[i] == *whose;
      if (!known) std::abort();
    } else if (verb < 6) {
      const bool may = demux.may_send(now, ids[who], {.path = path, .segment_size = length / 2, .bytes = bytes});
      // Data went out: the path is now this member's, and its answer comes back here.
      std::array<std::byte, 1> dtls{std::byte{22}};
      const bool is_data = !bytes.empty() && bytes[0] == dtls[0];
      if (is_data && may && demux.route({now, path, Ecn::NotEct, dtls}) != ids[who]) std::abort();
      if (!present[who] && may && is_data) std::abort();
    } else if (verb == 6) {
      now += std::chrono::seconds{length};
    } else {
      demux.remove(ids[who]);
      present[who] = false;
    }
    if (demux.paths() > members * limits.max_paths || demux.requests() > limits.max_requests) std::abort();
  }
  return 0;
}
