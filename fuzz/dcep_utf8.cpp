// RFC 3629 read in another way, by the byte ranges of its section 4, must come to the same verdict.
#include <span>

#include "check.hpp"
#include "dcep/utf8.hpp"

namespace {

// The ranges of the second byte; every later one is 80-BF.
struct Row {
  unsigned first, last;
  std::size_t tail;
  unsigned low, high;
};
constexpr Row rows[] = {{0x00, 0x7F, 0, 0, 0},       {0xC2, 0xDF, 1, 0x80, 0xBF}, {0xE0, 0xE0, 2, 0xA0, 0xBF},
                        {0xE1, 0xEC, 2, 0x80, 0xBF}, {0xED, 0xED, 2, 0x80, 0x9F}, {0xEE, 0xEF, 2, 0x80, 0xBF},
                        {0xF0, 0xF0, 3, 0x90, 0xBF}, {0xF1, 0xF3, 3, 0x80, 0xBF}, {0xF4, 0xF4, 3, 0x80, 0x8F}};

bool by_the_table(std::span<const std::uint8_t> rest) {
  while (!rest.empty()) {
    const Row* row = nullptr;
    for (const Row& each : rows)
      if (rest[0] >= each.first && rest[0] <= each.last) row = &each;
    if (row == nullptr || rest.size() <= row->tail) return false;
    for (std::size_t i = 1; i <= row->tail; ++i) {
      const unsigned low = i == 1 ? row->low : 0x80;
      const unsigned high = i == 1 ? row->high : 0xBF;
      if (rest[i] < low || rest[i] > high) return false;
    }
    rest = rest.subspan(row->tail + 1);
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes{data, size};
  require(linnet::dcep::is_utf8(std::as_bytes(bytes)) == by_the_table(bytes));
  return 0;
}
