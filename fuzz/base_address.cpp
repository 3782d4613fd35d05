// Text of an address: whatever is read, is written and read again as the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "linnet/core/address.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto address = linnet::IpAddress::parse(text)) {
    if (linnet::IpAddress::parse(linnet::to_string(*address)) != address) std::abort();
  }
  return 0;
}
