#include <algorithm>
#include <vector>

#include "base/stream_framing.hpp"
#include "check.hpp"

using namespace linnet;

// The first byte says how the stream is framed and in which pieces it arrives, the rest is the stream. However it is
// cut, the same datagrams come out; what comes out can be put in again; and no more than a frame is kept.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Framing framing = (data[0] & 1U) != 0 ? Framing::Rfc4571 : Framing::Stun;
  const std::size_t piece = 1 + (data[0] >> 1U);
  const auto given = std::as_bytes(std::span{data, size}).subspan(1);
  const auto read = [&](std::size_t step, bool& broken) {
    std::vector<std::vector<std::byte>> out;
    std::vector<std::byte> stream{given.begin(), given.end()};
    Deframer deframer{framing};
    for (std::span<std::byte> rest = stream; !rest.empty();) {
      const auto now = rest.first(std::min(step, rest.size()));
      rest = rest.subspan(now.size());
      deframer.feed(now);
      while (const auto datagram = deframer.next()) {
        require(!datagram->empty());
        out.emplace_back(datagram->begin(), datagram->end());
      }
      require(deframer.kept() <= Deframer::max_kept);
    }
    broken = deframer.broken();
    return out;
  };
  bool broken = false;
  bool broken_in_pieces = false;
  const auto datagrams = read(size, broken);
  require(datagrams == read(piece, broken_in_pieces));
  require(broken == broken_in_pieces);
  for (const auto& datagram : datagrams) require(frame_edges(framing, datagram).has_value());
  return 0;
}
