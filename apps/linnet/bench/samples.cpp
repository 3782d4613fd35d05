#include "bench/samples.hpp"

#include <algorithm>
#include <cmath>

namespace linnet::app::bench {

double Samples::percentile(double p) const {
  if (values_.empty()) return 0;
  auto values = values_;
  const auto rank = static_cast<std::size_t>(std::ceil(p / 100 * static_cast<double>(values.size())));
  const auto index = std::clamp<std::size_t>(rank, 1, values.size()) - 1;
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(index);
  std::ranges::nth_element(values, nth);
  return *nth;
}

}  // namespace linnet::app::bench
