#include "heat_map.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace linnet::bench {
namespace {

constexpr int label = 150;
constexpr int cell_width = 44;
constexpr int cell_height = 18;
constexpr int gap = 22;
constexpr int head = 74;

/// Red where nothing gets through, yellow at a half, green where all does.
std::string colour(double share) {
  struct Rgb {
    double r, g, b;
  };
  constexpr Rgb low{214, 69, 65};
  constexpr Rgb middle{244, 208, 111};
  constexpr Rgb high{46, 157, 120};
  const double s = std::clamp(share, 0.0, 1.0);
  const Rgb& from = s < 0.5 ? low : middle;
  const Rgb& to = s < 0.5 ? middle : high;
  const double t = s < 0.5 ? 2 * s : 2 * s - 1;
  const auto mix = [&](double a, double b) { return static_cast<int>(std::lround(a + (b - a) * t)); };
  std::ostringstream out;
  out << "rgb(" << mix(from.r, to.r) << ',' << mix(from.g, to.g) << ',' << mix(from.b, to.b) << ')';
  return out.str();
}

std::string per_cent(double share) { return share < 0 ? "-" : std::to_string(std::lround(100 * share)); }

}  // namespace

std::string HeatMap::svg(const std::string& heading, const std::string& note) const {
  const int panel = static_cast<int>(columns_.size()) * cell_width + gap;
  const int width = label + static_cast<int>(panels_.size()) * panel;
  std::ostringstream body;
  int y = head;
  const std::string* group = nullptr;
  for (const Row& row : rows_) {
    if (group == nullptr || *group != row.group) {
      y += group == nullptr ? 0 : 8;
      body << "<text x=\"8\" y=\"" << y + 13 << "\" class=\"title\">" << row.group << "</text>\n";
      group = &row.group;
    }
    body << "<text x=\"" << label - 8 << "\" y=\"" << y + 13 << "\" text-anchor=\"end\">" << row.name << "</text>\n";
    for (std::size_t i = 0; i < row.values.size(); ++i) {
      if (row.values[i] < 0) continue;
      const auto p = static_cast<int>(i / columns_.size());
      const auto c = static_cast<int>(i % columns_.size());
      const int x = label + p * panel + c * cell_width;
      body << "<rect x=\"" << x << "\" y=\"" << y << "\" width=\"" << cell_width - 2 << "\" height=\""
           << cell_height - 2 << "\" fill=\"" << colour(row.values[i]) << "\"/><text x=\"" << x + cell_width / 2 - 1
           << "\" y=\"" << y + 12 << "\" text-anchor=\"middle\" class=\"cell\">" << per_cent(row.values[i])
           << "</text>\n";
    }
    y += cell_height;
  }
  std::ostringstream out;
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << width << ' ' << y + 12
      << "\" font-family=\"sans-serif\" font-size=\"11\" fill=\"#1c2733\">\n"
      << "<style>.title{font-weight:bold}.note{fill:#5b6875}.cell{font-size:10px}</style>\n<rect width=\"" << width
      << "\" height=\"" << y + 12 << "\" fill=\"#fff\"/>\n<text x=\"8\" y=\"18\" class=\"title\" font-size=\"14\">"
      << heading << "</text>\n<text x=\"8\" y=\"34\" class=\"note\">" << note << "</text>\n";
  for (std::size_t p = 0; p < panels_.size(); ++p) {
    const int x = label + static_cast<int>(p) * panel;
    out << "<text x=\"" << x << "\" y=\"54\" class=\"title\">" << panels_[p] << "</text>\n";
    for (std::size_t c = 0; c < columns_.size(); ++c)
      out << "<text x=\"" << x + static_cast<int>(c) * cell_width + cell_width / 2
          << "\" y=\"68\" text-anchor=\"middle\">" << columns_[c] << "</text>\n";
  }
  out << body.str() << "</svg>\n";
  return out.str();
}

std::string HeatMap::markdown() const {
  std::ostringstream out;
  for (std::size_t p = 0; p < panels_.size(); ++p) {
    out << (p == 0 ? "" : "\n") << "**" << panels_[p] << "**\n\n| bottleneck | round trip |";
    for (const std::string& column : columns_) out << ' ' << column << " |";
    out << "\n|---|---|";
    for (std::size_t c = 0; c < columns_.size(); ++c) out << "---:|";
    out << '\n';
    for (const Row& row : rows_) {
      out << "| " << row.group << " | " << row.name << " |";
      for (std::size_t c = 0; c < columns_.size(); ++c)
        out << ' ' << per_cent(row.values[p * columns_.size() + c]) << " |";
      out << '\n';
    }
  }
  return out.str();
}

}  // namespace linnet::bench
