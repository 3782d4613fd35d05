#pragma once

#include <cstddef>
#include <vector>

namespace linnet::app::bench {

/// Measured values of one kind, and what stands out of them. Owned by a workload.
class Samples {
 public:
  void add(double value) { values_.push_back(value); }
  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
  /// The nearest-rank percentile, `p` from 0 to 100 (100: the greatest); 0 when there is no value.
  [[nodiscard]] double percentile(double p) const;

 private:
  std::vector<double> values_;
};

}  // namespace linnet::app::bench
