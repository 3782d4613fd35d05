#include "sim/mutation.hpp"

#include "sim/random.hpp"

namespace linnet::sim {
namespace {
constexpr std::size_t max_size = 1'500;
}

Mutator::Mutator(const std::vector<std::vector<std::byte>>& captured, Generator& generator)
    : captured_(captured), generator_(generator) {
  bytes_.reserve(std::size_t{128} * 1'024);
}

void Mutator::random_bytes(std::size_t size) {
  bytes_.resize(size);
  generator_.fill(bytes_);
}

void Mutator::splice() {
  const auto& donor = captured_[static_cast<std::size_t>(generator_.below(captured_.size()))];
  if (donor.empty()) return;
  const std::size_t from = between(generator_, 0, donor.size() - 1);
  bytes_.resize(between(generator_, 0, bytes_.size()));
  bytes_.insert(bytes_.end(), donor.begin() + static_cast<std::ptrdiff_t>(from), donor.end());
}

void Mutator::change_some() {
  if (bytes_.empty()) return;
  const std::size_t changes = between(generator_, 1, 4);
  for (std::size_t i = 0; i < changes; ++i) {
    auto& byte = bytes_[between(generator_, 0, bytes_.size() - 1)];
    switch (generator_.below(4)) {
      case 0: byte ^= std::byte{1} << generator_.below(8); break;
      case 1: byte = static_cast<std::byte>(generator_.below(256)); break;
      case 2: byte = std::byte{0xff}; break;
      default: byte = static_cast<std::byte>(std::to_integer<unsigned>(byte) + 1);
    }
  }
}

std::vector<std::byte>& Mutator::next() {
  if (captured_.empty() || chance(generator_, 0.1)) {
    random_bytes(between(generator_, 0, chance(generator_, 0.5) ? 64 : max_size));
    return bytes_;
  }
  const auto& model = captured_[static_cast<std::size_t>(generator_.below(captured_.size()))];
  bytes_.assign(model.begin(), model.end());
  switch (generator_.below(8)) {
    case 0: break;  // A replay.
    case 1: bytes_.resize(between(generator_, 0, bytes_.size())); break;
    case 2: bytes_.resize(bytes_.size() + between(generator_, 1, 64)); break;
    case 3: splice(); break;
    default: change_some();
  }
  return bytes_;
}

}  // namespace linnet::sim
