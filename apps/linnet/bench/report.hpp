#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "output.hpp"

namespace linnet::app::bench {

/// What was measured: named values for programs, and rows of a table for a person, printed as they come. Owned by a
/// command.
class Report {
 public:
  /// `aside`: standard output carries signaling, so the table goes to standard error.
  explicit Report(Output& output, bool aside = false) : output_(output), aside_(aside) {}

  /// What is measured now, at the bottom of a terminal.
  void now(std::string_view what) { output_.progress(std::string{what} + " ..."); }
  void heading(std::string_view text) { line(text); }
  void row(std::string_view what, std::string_view found);
  void value(std::string_view name, double number) { values_[name] = number; }

  [[nodiscard]] const boost::json::object& values() const noexcept { return values_; }
  /// The values as one JSON object, numbers with three decimals at most.
  [[nodiscard]] std::string json() const;

 private:
  void line(std::string_view text);

  Output& output_;
  bool aside_;
  boost::json::object values_;
};

/// 1234567.89 -> "1,234,568"; with decimals: "1,234,567.9".
[[nodiscard]] std::string in_words(double number, int decimals = 0);

}  // namespace linnet::app::bench
