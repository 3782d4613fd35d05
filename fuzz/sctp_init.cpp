// Any bytes as the INIT chunk that a description brought: refused, or an association begins from them and from one of
// ours, within its limits, and says nothing but what it was given to say.
#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "check.hpp"
#include "sctp/association/association.hpp"
#include "sctp/association/init_chunk.hpp"

using namespace linnet;
using namespace linnet::sctp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::byte> peer = [&] {
    const auto bytes = std::as_bytes(std::span{data, size});
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }();
  SeededGenerator generator{1};
  Options options;
  options.ecn = true;
  options.max_mtu = 4'000;
  const std::vector<std::byte> local = make_init(options, generator);
  require(is_acceptable_init(local));
  Association association(options, generator);
  TimePoint now{std::chrono::seconds(1)};
  const bool begun = association.connect(now, {.local = local, .peer = peer}).has_value();
  require(begun == is_acceptable_init(peer));
  if (!begun) {
    require(association.state() == SctpTransportState::Connecting && association.next_timeout() == never);
    association.connect(now);
    return 0;
  }
  require(init_value(peer) && association.state() == SctpTransportState::Connected);
  require(association.outgoing_streams() != 0 && association.incoming_streams() != 0);
  require(association.send(now, StreamId{0}, Ppid{53}, std::vector<std::byte>(10'000)).has_value());
  std::array<std::byte, 4'096> out;
  std::size_t packets = 0;
  for (int round = 0; round < 8 && association.next_timeout() != never; ++round) {
    while (const std::size_t written = association.poll_packet(now, out)) {
      require(++packets < 1'000 && written <= options.max_mtu);
      association.handle_packet(now, std::span<const std::byte>(out).first(written));  // an echo for a peer
    }
    while (association.poll_event()) {
    }
    now = std::max(now, association.next_timeout());
    association.handle_timeout(now);
  }
  require(packets != 0);
  return 0;
}
