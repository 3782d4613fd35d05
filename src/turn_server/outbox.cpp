#include "turn_server/outbox.hpp"

#include <algorithm>
#include <cstring>

namespace linnet::turn_server {

std::span<std::byte> Outbox::begin(std::size_t size) {
  if (empty()) clear();
  if (waiting_.size() >= max_datagrams_ || size > max_bytes_ - std::min(used_, max_bytes_)) return {};
  if (used_ + size > capacity_) {
    constexpr std::size_t first = std::size_t{16} * 1'024;
    const std::size_t capacity = std::min(std::max({first, capacity_ * 2, used_ + size}), max_bytes_);
    auto memory = std::make_unique_for_overwrite<std::byte[]>(capacity);
    if (used_ != 0) std::memcpy(memory.get(), memory_.get(), used_);
    memory_ = std::move(memory);
    capacity_ = capacity;
  }
  return {memory_.get() + used_, size};
}

void Outbox::commit(const Path& path, Ecn ecn, std::size_t size) {
  if (size == 0 || size > DatagramBatch::max_datagram) return;
  waiting_.push_back({.path = path, .ecn = ecn, .at = used_, .size = size});
  used_ += size;
}

Progress Outbox::drain(DatagramBatch& batch) {
  for (; next_ < waiting_.size(); ++next_) {
    const Waiting& datagram = waiting_[next_];
    const auto room = batch.begin(datagram.path, datagram.ecn, datagram.size);
    if (room.size() < datagram.size) return Progress::More;
    std::memcpy(room.data(), memory_.get() + datagram.at, datagram.size);
    // RFC 8656 section 14: without DONT-FRAGMENT the relayed datagram may be cut by IP. Small ones go as runs.
    constexpr std::size_t surely_fits = 1'400;
    batch.commit(datagram.size, datagram.size <= surely_fits ? Sizing::Path : Sizing::Fragment);
  }
  return Progress::Done;
}

void Outbox::clear() noexcept {
  waiting_.clear();
  next_ = 0;
  used_ = 0;
}

}  // namespace linnet::turn_server
