#include "bench/report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace linnet::app::bench {
namespace {

std::string fixed(double number, int decimals) {
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.*f", decimals, number);
  return size > 0 && static_cast<std::size_t>(size) < text.size() ? std::string{text.data()} : std::string{"0"};
}

}  // namespace

std::string in_words(double number, int decimals) {
  auto text = fixed(number, decimals);
  auto dot = text.find('.');
  if (dot == std::string::npos) dot = text.size();
  for (auto i = dot; i > 3 && text[i - 4] != '-'; i -= 3) text.insert(i - 3, ",");
  return text;
}

void Report::line(std::string_view text) {
  if (aside_) {
    output_.status(text);
  } else {
    output_.data(text);
  }
}

void Report::row(std::string_view what, std::string_view found) {
  std::string text = "  " + std::string{what};
  text.resize(std::max<std::size_t>(text.size() + 2, 40), ' ');
  line(text + std::string{found});
}

std::string Report::json() const {
  std::string out;
  for (const auto& [name, value] : values_) {
    auto number = fixed(value.as_double(), 3);
    number.resize(number.find_last_not_of('0') + 1);
    if (number.ends_with('.')) number.pop_back();
    out += out.empty() ? "{" : ", ";
    out += '"' + std::string{name} + "\": " + number;
  }
  return out.empty() ? "{}" : out + "}";
}

}  // namespace linnet::app::bench
