#include <qrencode.h>

#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include "commands.hpp"

namespace linnet::app {

void print_qr_code(const std::string& text) {
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code{
      QRcode_encodeString(text.c_str(), 0, QR_ECLEVEL_L, QR_MODE_8, 1), &QRcode_free};
  if (!code) return;
  const auto dark = [&code](int x, int y) {
    return x >= 0 && y >= 0 && x < code->width && y < code->width && (code->data[y * code->width + x] & 1) != 0;
  };
  // Two modules a character: light ones are drawn white and dark ones left black, whatever colours the terminal has.
  constexpr int quiet_zone = 2;
  constexpr std::string_view white_on_black = "\x1b[40;97m";
  constexpr std::string_view as_before = "\x1b[0m\n";
  std::string out;
  for (int y = -quiet_zone; y < code->width + quiet_zone; y += 2) {
    out += white_on_black;
    for (int x = -quiet_zone; x < code->width + quiet_zone; ++x) {
      const bool upper = !dark(x, y);
      const bool lower = !dark(x, y + 1);
      out += upper && lower ? "\u2588" : upper ? "\u2580" : lower ? "\u2584" : " ";
    }
    out += as_before;
  }
  std::cerr << out << std::flush;
}

}  // namespace linnet::app
