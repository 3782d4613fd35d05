// Any text: parsed or refused at a line that exists; what is parsed is the same after writing and parsing.
#include <cstdlib>
#include <string_view>

#include "sdp/parser.hpp"
#include "sdp/typed_attributes.hpp"
#include "sdp/writer.hpp"

namespace {

void require(bool law) {
  if (!law) std::abort();
}

void read_values(const linnet::sdp::Attributes& attributes) {
  using namespace linnet::sdp;
  for (const Attribute& attribute : attributes.list) {
    const std::string_view value = attribute.value ? std::string_view{*attribute.value} : std::string_view{};
    if (const auto f = parse_fingerprint(value)) require(parse_fingerprint(to_string(*f)) == f);
    if (const auto g = parse_group(value)) require(parse_group(to_string(*g)) == g);
    if (const auto c = parse_candidate(value)) (void)c->extension("ufrag");
    (void)parse_setup(value);
    (void)parse_number(value);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const linnet::sdp::Limits limits{.max_size = 65'536, .max_lines = 1'000, .max_media = 16};
  const auto description = linnet::sdp::parse(text, limits);
  if (!description) {
    require(description.error().line >= 1 && !description.error().text.empty());
    return 0;
  }
  require(description->media.size() <= limits.max_media);
  read_values(description->attributes);
  for (const auto& section : description->media) read_values(section.attributes);
  const auto again = linnet::sdp::parse(linnet::sdp::write(*description));
  require(again && *again == *description);
  return 0;
}
