// Any text as a control message of linnet.file.1: what is read is within its limits, and is written and read again as
// the same. Any text as a reason to be written: the other side gets one line that it can read.
#include <algorithm>
#include <string>

#include "check.hpp"
#include "file_message.hpp"
#include "output.hpp"

using namespace linnet::app;

namespace {

constexpr std::uint64_t max_number = std::uint64_t{1} << 53;

void is_one_line(const std::string& reason) { require(reason.size() <= 200 && Output::printable(reason) == reason); }

struct Laws {
  void operator()(const Offer& m) const {
    require(!m.name.empty() && m.size <= max_number && m.index <= max_number && m.count <= max_number);
  }
  void operator()(const Accept& m) const { require(m.offset <= max_number); }
  void operator()(const Refuse& m) const { is_one_line(m.reason); }
  void operator()(const Failure& m) const { is_one_line(m.reason); }
  void operator()(const End&) const {}
  void operator()(const Received&) const {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = text_of(data, size);
  if (const auto message = parse_file_message(text)) {
    std::visit(Laws{}, *message);
    require(parse_file_message(to_text(*message)) == message);
  }
  const auto failure = parse_file_message(to_text(Failure{std::string{text}}));
  require(failure && std::holds_alternative<Failure>(*failure));
  std::visit(Laws{}, *failure);
  return 0;
}
