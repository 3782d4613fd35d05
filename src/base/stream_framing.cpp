#include "base/stream_framing.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace linnet {
namespace {

constexpr std::size_t length_size = 2;          // RFC 4571 section 2
constexpr std::size_t stun_header_size = 20;    // RFC 8489 section 5
constexpr std::size_t channel_header_size = 4;  // RFC 8656 section 12.4
constexpr std::uint32_t magic_cookie = 0x2112A442;

// RFC 7983 with RFC 8656 section 12. Deviation: channels end at 0x4FFF there; clients of RFC 5766 choose from 0x4000 to
// 0x7FFF, and nothing else in such a stream begins so.
bool begins_stun(std::byte first) noexcept { return first < std::byte{4}; }
bool begins_channel_data(std::byte first) noexcept { return first >= std::byte{0x40} && first < std::byte{0x80}; }

std::size_t padding_of(std::size_t size) noexcept { return (4 - size % 4) % 4; }

}  // namespace

void Deframer::feed(std::span<std::byte> bytes) noexcept {
  if (!broken_) input_ = bytes;
}

std::optional<Deframer::Frame> Deframer::frame_at(std::span<const std::byte> bytes) noexcept {
  if (bytes.empty()) return std::nullopt;
  if (framing_ == Framing::Rfc4571) {
    if (bytes.size() < length_size) return std::nullopt;
    return Frame{.header = length_size, .size = load_be<std::uint16_t>(bytes.data())};
  }
  if (!begins_stun(bytes[0]) && !begins_channel_data(bytes[0])) {
    broken_ = true;
    return std::nullopt;
  }
  if (bytes.size() < 4) return std::nullopt;
  const std::size_t length = load_be<std::uint16_t>(bytes.data() + 2);
  if (begins_channel_data(bytes[0])) {
    // RFC 8656 section 12.5: padded on a stream, and the length does not tell it.
    return Frame{.size = channel_header_size + length, .padding = padding_of(length)};
  }
  // RFC 8489 section 5: the two lowest bits of the length are zero, and the cookie tells STUN from anything else.
  if (length % 4 != 0 || (bytes.size() >= 8 && load_be<std::uint32_t>(bytes.data() + 4) != magic_cookie)) {
    broken_ = true;
    return std::nullopt;
  }
  if (bytes.size() < 8) return std::nullopt;
  return Frame{.size = stun_header_size + length};
}

void Deframer::keep(std::size_t size) {
  const auto taken = input_.first(std::min(size, input_.size()));
  kept_.insert(kept_.end(), taken.begin(), taken.end());
  input_ = input_.subspan(taken.size());
}

std::optional<std::span<std::byte>> Deframer::complete() {
  // Byte by byte until its length is known: eight at most.
  std::optional<Frame> frame = frame_at(kept_);
  while (!frame && !broken_ && !input_.empty()) {
    keep(1);
    frame = frame_at(kept_);
  }
  if (!frame) return std::nullopt;
  keep(frame->whole() - kept_.size());
  if (kept_.size() < frame->whole()) return std::nullopt;
  handed_out_ = true;
  return std::span{kept_}.subspan(frame->header, frame->size);
}

std::optional<std::span<std::byte>> Deframer::next() {
  while (!broken_) {
    if (handed_out_) {
      kept_.clear();
      handed_out_ = false;
    }
    std::span<std::byte> datagram;
    if (!kept_.empty()) {
      const auto completed = complete();
      if (!completed) break;
      datagram = *completed;
    } else {
      const auto frame = frame_at(input_);
      if (broken_) break;
      if (!frame || input_.size() < frame->whole()) {
        keep(input_.size());
        return std::nullopt;
      }
      datagram = input_.subspan(frame->header, frame->size);
      input_ = input_.subspan(frame->whole());
    }
    // RFC 4571 section 2: a length of zero is a packet to be ignored.
    if (!datagram.empty()) return datagram;
  }
  if (broken_) {
    input_ = {};
    kept_.clear();
  }
  return std::nullopt;
}

std::optional<FrameEdges> frame_edges(Framing framing, std::span<const std::byte> datagram) noexcept {
  FrameEdges out;
  if (framing == Framing::Rfc4571) {
    if (datagram.empty() || datagram.size() > 0xFFFF) return std::nullopt;
    out.header_size = length_size;
    store_be(out.header.data(), static_cast<std::uint16_t>(datagram.size()));
    return out;
  }
  if (datagram.size() < channel_header_size) return std::nullopt;
  const std::size_t length = load_be<std::uint16_t>(datagram.data() + 2);
  if (begins_stun(datagram[0])) {
    if (datagram.size() != stun_header_size + length) return std::nullopt;
  } else {
    if (!begins_channel_data(datagram[0]) || datagram.size() != channel_header_size + length) return std::nullopt;
    out.padding = padding_of(length);
  }
  return out;
}

}  // namespace linnet
