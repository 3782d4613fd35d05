#include "bench/workload.hpp"

namespace linnet::app::bench {

std::optional<std::set<Workload>> parse_workloads(std::string_view text) {
  std::set<Workload> out;
  for (;;) {
    const auto comma = text.find(',');
    const auto name = text.substr(0, comma);
    if (name.size() != 2 || (name[0] != 'w' && name[0] != 'W') || name[1] < '1' || name[1] > '5') return std::nullopt;
    if (!out.insert(static_cast<Workload>(name[1] - '1')).second) return std::nullopt;
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace linnet::app::bench
