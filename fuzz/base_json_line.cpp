#include <string>
#include <string_view>

#include "base/json_line.hpp"
#include "base/testing/json_check.hpp"
#include "check.hpp"

using namespace linnet;

// Labels, candidates and reasons of the peer become texts in the trace: whatever they hold, it stays one line of JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  std::string out;
  JsonLine{out}.begin().text("label", text).flag("end", true).end();
  require(testing::JsonCheck::is_json(out));
  require(out.find('\n') == std::string::npos);
  // A byte becomes an escape at most.
  require(out.size() <= 6 * size + 24);
  return 0;
}
