#pragma once

#include <string>
#include <vector>

namespace linnet::bench {

/// A grid of shares (0 to 1) for each algorithm as one SVG and as a Markdown table.
class HeatMap {
 public:
  HeatMap(std::vector<std::string> panels, std::vector<std::string> columns)
      : panels_(std::move(panels)), columns_(std::move(columns)) {}

  /// One value for each panel and column, panel by panel; negative: not measured.
  void row(std::string group, std::string name, std::vector<double> values) {
    rows_.push_back({std::move(group), std::move(name), std::move(values)});
  }
  [[nodiscard]] std::string svg(const std::string& heading, const std::string& note) const;
  [[nodiscard]] std::string markdown() const;

 private:
  struct Row {
    std::string group;
    std::string name;
    std::vector<double> values;
  };
  std::vector<std::string> panels_;
  std::vector<std::string> columns_;
  std::vector<Row> rows_;
};

}  // namespace linnet::bench
