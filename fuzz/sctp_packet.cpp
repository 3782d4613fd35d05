// Any bytes as an SCTP packet with a right checksum: framing, every chunk's parser, parameters.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "sctp/packet/checksum.hpp"
#include "sctp/packet/chunk.hpp"
#include "sctp/rx/data_tracker.hpp"
#include "sctp/rx/reassembly_queue.hpp"

using namespace linnet;
using namespace linnet::sctp;

namespace {

std::optional<ReassemblyQueue::InterleavedSkip> parse_skip(const ChunkView& chunk) {
  ByteReader reader(chunk.value);
  reader.skip(4);
  const StreamId stream{reader.u16()};
  const bool unordered = (reader.u16() & 1U) != 0;
  const Mid mid{reader.u32()};
  if (!reader.ok()) return std::nullopt;
  return ReassemblyQueue::InterleavedSkip{stream, unordered, mid};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 12) return 0;
  const auto* const bytes = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> packet(bytes, bytes + size);
  write_checksum(packet);
  const auto view = PacketView::parse(packet);
  if (!view) return 0;
  constexpr std::size_t max_message = 10'000;
  ReassemblyQueue reassembly(max_message);    // of DATA
  ReassemblyQueue interleaving(max_message);  // of I-DATA
  bool refused = false;
  DataTracker tracker(Tsn{1});
  std::size_t whole = 0;
  std::size_t count = 0;
  for (const ChunkView chunk : *view) {
    whole += chunk.whole.size();
    ++count;
    if (const auto sack = SackChunk::parse(chunk))
      for (std::size_t i = 0; i < sack->gap_count; ++i) (void)sack->gap(i);
    TlvReader parameters(chunk.value);
    while (const auto parameter = parameters.next())
      if (parameter->whole.size() < 4) std::abort();
    const auto message = DataChunk::parse(chunk);
    if (chunk.type == ChunkType::IForwardTsn && parse_skip(chunk)) interleaving.forward(std::array{*parse_skip(chunk)});
    if (!message || message->payload.empty() || tracker.add(message->tsn) != DataTracker::Arrival::New) continue;
    if ((message->interleaved ? interleaving : reassembly).add(*message) != ReassemblyQueue::Outcome::Ok) {
      refused = true;
      break;
    }
  }
  if (count == 0 || whole + common_header_size > packet.size()) std::abort();
  for (ReassemblyQueue* queue : {&reassembly, &interleaving}) {
    while (const auto stream = queue->poll_ready())
      while (const auto message = queue->receive(*stream))
        if (message->payload.size() > max_message) std::abort();
    queue->reset({});
  }
  if (!refused && interleaving.held() != 0) std::abort();
  return 0;
}
