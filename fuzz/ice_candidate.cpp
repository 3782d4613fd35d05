#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ice/candidate.hpp"

// Text of any kind. What was read and written again reads the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace linnet;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto candidate = ice::parse_candidate(text);
  if (!candidate) return 0;
  (void)ice::to_w3c(*candidate, "0", std::uint16_t{0});
  const std::string written = ice::to_string(*candidate);
  const auto again = ice::parse_candidate(written);
  if (written.size() > 4'096) return 0;
  if (!again || ice::to_string(*again) != written) std::abort();
  return 0;
}
