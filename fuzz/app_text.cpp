// Any text of another peer on its way to the terminal and into JSON, and as a line of chat over standard input.
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <string>

#include "chat_line.hpp"
#include "check.hpp"
#include "output.hpp"

using namespace linnet::app;
namespace json = boost::json;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = text_of(data, size);

  const auto formed = Output::well_formed(text);
  require(formed.size() <= size * 3 && Output::well_formed(formed) == formed);
  // Boost.JSON reads nothing that is no UTF-8, so it judges independently of us.
  boost::system::error_code error;
  const auto value = json::parse(json::serialize(json::value(formed)), error);
  require(!error && value == json::value(formed));
  (void)json::parse(json::serialize(json::value(text)), error);
  require(error.failed() == (formed != text));

  const auto printed = Output::printable(text);
  require(printed.size() == formed.size() && Output::printable(printed) == printed);
  for (std::size_t i = 0; i < printed.size(); ++i) {
    const auto byte = static_cast<unsigned char>(printed[i]);
    require(byte >= 0x20 && byte != 0x7f);
    const auto next = i + 1 < printed.size() ? static_cast<unsigned char>(printed[i + 1]) : 0U;
    require(byte != 0xc2 || next >= 0xa0);  // No C1 control, which some terminals obey.
  }

  if (const auto line = text_in_line(text)) {
    const json::object again{{"text", *line}};
    if (text.starts_with('{')) {
      require(text_in_line(json::serialize(again)) == line);
    } else {
      require(*line == text);
    }
  }
  return 0;
}
