// What SCTP's congestion control makes of simulated paths beside TCP CUBIC: a heat map and tables, in virtual time.
//   bench_paths OUT.svg OUT.md [MOST_MBPS]
//   bench_paths --floors cubic|bbr [MOST_MBPS]    prints what tests/sim/sctp/path_floors.hpp is made of
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "heat_map.hpp"
#include "sim/sctp/path_cells.hpp"

namespace {

using namespace linnet;
using namespace linnet::sim;
using namespace std::chrono_literals;

/// For path_floors.hpp: the least of some seeds, less what luck and a change elsewhere may cost.
void print_floors(const std::string& algorithm, int most_mbps) {
  const auto options = PathCell::with(algorithm == "bbr" ? CongestionAlgorithm::Bbr : CongestionAlgorithm::Cubic);
  for (const int mbps : PathCell::rates) {
    if (mbps > most_mbps) break;
    for (const int rtt_ms : PathCell::round_trips) {
      std::cout << "    PathFloors{" << mbps << ", " << rtt_ms << ", {";
      for (const auto& loss : PathCell::losses) {
        double least = 1;
        for (const std::uint64_t seed : {7, 8, 9})
          least = std::min(least, PathCell{mbps, rtt_ms, loss}.trial(options, seed).run().shares[0]);
        const double kept = least >= 0.9 ? 0.9 : least >= 0.8 && algorithm == "bbr" ? 0.8 : 0;
        std::cout << (loss.name == "0" ? "" : ", ") << std::floor(1'000 * std::max(0.95 * least, kept)) / 10
                  << std::flush;
      }
      std::cout << "}},\n";
    }
  }
}

/// `file` holds Markdown with a place for the tables, between two marks.
bool put_tables(const std::string& file, const std::string& tables) {
  const std::string begin = "<!-- paths -->\n";
  const std::string end = "<!-- /paths -->\n";
  std::ifstream in(file);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::size_t from = text.find(begin);
  const std::size_t to = text.find(end);
  if (from == std::string::npos || to == std::string::npos) return false;
  text.replace(from + begin.size(), to - from - begin.size(), tables);
  return static_cast<bool>(std::ofstream(file) << text);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: bench_paths OUT.svg OUT.md [MOST_MBPS]\n";
    return 2;
  }
  const int most_mbps = argc > 3 ? std::atoi(argv[3]) : 1'000;
  if (std::string_view{argv[1]} == "--floors") {
    print_floors(argv[2], most_mbps);
    return 0;
  }
  const std::vector<std::pair<std::string, std::optional<sctp::Options>>> contenders{
      {"linnet, CUBIC (default)", PathCell::with(CongestionAlgorithm::Cubic)},
      {"linnet, CUBIC to the letter", PathCell::with(CongestionAlgorithm::Cubic, false)},
      {"linnet, BBR", PathCell::with(CongestionAlgorithm::Bbr)},
      {"TCP CUBIC (model)", std::nullopt}};
  std::vector<std::string> panels;
  for (const auto& [name, options] : contenders) panels.push_back(name);
  std::vector<std::string> columns;
  for (const auto& loss : PathCell::losses) columns.emplace_back(loss.name);
  bench::HeatMap map(panels, columns);
  for (const int mbps : PathCell::rates) {
    if (mbps > most_mbps) break;
    for (const int rtt_ms : PathCell::round_trips) {
      const Duration rtt = std::chrono::milliseconds{rtt_ms};
      std::vector<double> row;
      for (const auto& [name, options] : contenders) {
        for (const auto& loss : PathCell::losses) {
          Trial trial = PathCell{mbps, rtt_ms, loss}.trial(options);
          // CUBIC takes its time to get back to where it was, the longer the faster the path is.
          trial.warm_up = std::max<Duration>(40 * rtt, mbps == 1 ? 10s : 30s);
          trial.measured = std::max<Duration>(10 * rtt, mbps == 1'000 ? 3s : mbps == 100 ? 10s : 30s);
          const auto outcome = trial.run();
          row.push_back(outcome.shares[0]);
          std::cout << mbps << '\t' << rtt_ms << '\t' << loss.name << '\t' << name << '\t' << outcome.shares[0] << '\t'
                    << std::chrono::duration<double, std::milli>(outcome.mean_queueing).count() << '\t'
                    << outcome.timeouts << std::endl;
        }
      }
      map.row(std::to_string(mbps) + " Mbit/s", std::to_string(rtt_ms) + " ms", row);
    }
    std::ofstream(argv[1]) << map.svg(
        "Goodput of one flow, in per cent of what the path carries",
        "Columns: packets lost, each for itself or (b) in fadings of 8 packets' time on average. Rows: "
        "bottleneck, round trip; the queue holds one bandwidth-delay product.");
    if (!put_tables(argv[2], map.markdown())) {
      std::cerr << argv[2] << " has no place for the tables: <!-- paths --> and <!-- /paths -->\n";
      return 1;
    }
  }
  return 0;
}
