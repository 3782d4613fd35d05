// Any text: refused, or what comes out is written again as the same text.
#include <algorithm>
#include <span>

#include "base/base64.hpp"
#include "check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = text_of(data, size);
  if (const auto bytes = linnet::decode_base64(text)) require(linnet::base64(*bytes) == text);
  const auto all = std::as_bytes(std::span{data, size});
  const auto back = linnet::decode_base64(linnet::base64(all));
  require(back && back->size() == size && std::equal(back->begin(), back->end(), all.begin()));
  return 0;
}
