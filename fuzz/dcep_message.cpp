#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <variant>

#include "dcep/message.hpp"

// What parses is written and parsed again to the same message.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace linnet::dcep;
  const auto first = parse(std::as_bytes(std::span{data, size}));
  if (!first) return 0;
  const auto bytes = std::visit([](const auto& message) { return write(message); }, *first);
  const auto second = parse(bytes);
  if (!second || *second != *first) std::abort();
  return 0;
}
