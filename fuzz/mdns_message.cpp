// A datagram as an mDNS response: names and their number keep their limits. The text of it as a name: the question
// that is written for it can be read, and is no answer.
#include <array>
#include <span>

#include "base/bytes.hpp"
#include "check.hpp"
#include "mdns/message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace linnet;
  const auto packet = std::as_bytes(std::span{data, size});
  constexpr std::size_t most = 8;
  if (const auto records = mdns::parse_response(packet, most)) {
    require(records->size() <= most);
    for (const auto& record : *records) {
      require(record.name.size() <= 255 && !record.name.starts_with('.') && !record.name.ends_with('.'));
      require(mdns::canonical(record.name) == record.name);
    }
    const auto all = mdns::parse_response(packet, 512);
    require(all && all->size() >= records->size());
  }

  std::array<std::byte, 300> question{};
  const std::size_t written = mdns::write_query(question, mdns::canonical(text_of(data, size)), size % 2 == 0);
  require(written <= question.size());
  if (written == 0) return 0;
  const auto query = std::span{question}.first(written);
  require(!mdns::parse_response(query, most));
  // As the head of a response, where its two questions must be stepped over exactly.
  question[2] = std::byte{0x84};
  const auto none = mdns::parse_response(query, most);
  require(none && none->empty());
  require(!mdns::parse_response(query.first(written - 1), most));
  return 0;
}
