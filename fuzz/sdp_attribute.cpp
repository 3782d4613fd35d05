// Any text as the value of each attribute that has a type: what is read is written and read again as the same.
#include <algorithm>
#include <string>

#include "check.hpp"
#include "sdp/typed_attributes.hpp"

using namespace linnet::sdp;

namespace {

bool is_within(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void candidate(std::string_view text) {
  const auto line = parse_candidate(text);
  if (!line) return;
  for (const auto part : {line->foundation, line->transport, line->address, line->type, line->rest})
    require(is_within(part, text));
  require(line->component >= 1 && line->component <= 256 && line->foundation.size() <= 32);
  std::string written = "candidate:";
  written += line->foundation;
  written += ' ' + std::to_string(line->component) + ' ';
  written += line->transport;
  written += ' ' + std::to_string(line->priority) + ' ';
  written += line->address;
  written += ' ' + std::to_string(line->port) + " typ ";
  written += line->type;
  written += ' ';
  written += line->rest;
  const auto again = parse_candidate(written);
  require(again && again->foundation == line->foundation && again->component == line->component &&
          again->transport == line->transport && again->priority == line->priority && again->address == line->address &&
          again->port == line->port && again->type == line->type && again->rest == line->rest);
  const auto ufrag = line->extension("ufrag");
  require(!ufrag || (!ufrag->empty() && is_within(*ufrag, line->rest)));
  require(ufrag == again->extension("ufrag"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = text_of(data, size);
  candidate(text);
  if (const auto f = parse_fingerprint(text)) {
    require(parse_fingerprint(to_string(*f)) == f && is_token(f->algorithm));
    require(f->value.size() % 3 == 2 && f->value.size() <= std::size_t{3} * 64);
  }
  if (const auto g = parse_group(text)) {
    require(parse_group(to_string(*g)) == g && is_token(g->semantics) && std::ranges::all_of(g->mids, is_token));
  }
  if (const auto setup = parse_setup(text)) require(to_string(*setup) == text);
  if (const auto number = parse_number(text)) require(parse_number(std::to_string(*number)) == number);
  if (is_ice_password(text)) require(is_ice_ufrag(text) && is_token(text) == (text.find_first_of("/=") == text.npos));
  if (is_token(text)) require(text.find_first_of(" \r\n:/\"") == text.npos);
  return 0;
}
