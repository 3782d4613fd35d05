#include <qrencode.h>

#include <iostream>
#include <memory>

#include "commands.hpp"

namespace linnet::app {

void print_qr_code(const std::string& text) {
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code{
      QRcode_encodeString(text.c_str(), 0, QR_ECLEVEL_L, QR_MODE_8, 1), &QRcode_free};
  if (!code) return;
  const auto dark = [&code](int x, int y) {
    return x >= 0 && y >= 0 && x < code->width && y < code->width && (code->data[y * code->width + x] & 1) != 0;
  };
  // Two modules a character. Terminals are mostly dark, so light modules are drawn and dark ones are left out.
  constexpr int quiet_zone = 2;
  std::string out;
  for (int y = -quiet_zone; y < code->width + quiet_zone; y += 2) {
    for (int x = -quiet_zone; x < code->width + quiet_zone; ++x) {
      const bool upper = !dark(x, y);
      const bool lower = !dark(x, y + 1);
      out += upper && lower ? "\u2588" : upper ? "\u2580" : lower ? "\u2584" : " ";
    }
    out += '\n';
  }
  std::cerr << out << std::flush;
}

}  // namespace linnet::app
