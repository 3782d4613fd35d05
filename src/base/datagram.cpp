#include "linnet/core/datagram.hpp"

#include <algorithm>
#include <cassert>

namespace linnet {

DatagramBatch::DatagramBatch(std::size_t capacity)
    : buffer_(std::make_unique_for_overwrite<std::byte[]>(capacity)), capacity_(capacity) {
  runs_.reserve(64);
}

std::span<std::byte> DatagramBatch::begin(const Path& path, Ecn ecn, std::size_t at_least) noexcept {
  const std::size_t room = capacity_ - used_;
  if (room < at_least) return {};
  open_path_ = path;
  open_ecn_ = ecn;
  return {buffer_.get() + used_, std::min(room, max_datagram)};
}

void DatagramBatch::commit(std::size_t size, Sizing sizing) {
  assert(size <= std::min(capacity_ - used_, max_datagram));
  if (size == 0) return;
  const std::byte* at = buffer_.get() + used_;
  used_ += size;
  if (!runs_.empty()) {
    Run& last = runs_.back();
    const bool open_ended = last.bytes.size() % last.segment_size == 0;
    if (open_ended && sizing == last.sizing && sizing != Sizing::Probe && size <= last.segment_size &&
        last.path == open_path_ && last.ecn == open_ecn_ && last.segments() < max_run_segments &&
        last.bytes.size() + size <= max_run_bytes) {
      last.bytes = {last.bytes.data(), last.bytes.size() + size};
      return;
    }
  }
  runs_.push_back({.path = open_path_, .ecn = open_ecn_, .sizing = sizing, .segment_size = size, .bytes = {at, size}});
}

void DatagramBatch::clear() noexcept {
  runs_.clear();
  used_ = 0;
}

}  // namespace linnet
