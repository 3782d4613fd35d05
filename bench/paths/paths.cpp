// What SCTP's congestion control makes of simulated paths beside TCP CUBIC: a heat map and tables, in virtual time.
//   bench_paths OUT.svg OUT.md [MOST_MBPS]
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "heat_map.hpp"
#include "sim/sctp/contest.hpp"

namespace {

using namespace linnet;
using namespace linnet::sim;
using namespace std::chrono_literals;

/// What 1,500 bytes of IP leave to SCTP, which path MTU discovery finds.
constexpr std::size_t mtu = 1'415;

sctp::Options with(CongestionAlgorithm algorithm, bool tolerate = true) {
  sctp::Options options;
  options.mtu = mtu;
  options.congestion_algorithm = algorithm;
  options.tolerate_random_loss = tolerate;
  return options;
}

struct Loss {
  std::string name;
  double share = 0;
  double burst = 0;
};

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
  const std::vector<std::pair<std::string, std::optional<sctp::Options>>> contenders{
      {"linnet, CUBIC (default)", with(CongestionAlgorithm::Cubic)},
      {"linnet, CUBIC to the letter", with(CongestionAlgorithm::Cubic, false)},
      {"linnet, BBR", with(CongestionAlgorithm::Bbr)},
      {"TCP CUBIC (model)", std::nullopt}};
  const std::vector<Loss> losses{{"0", 0, 0},           {"0.1 %", 0.001, 0}, {"1 %", 0.01, 0},  {"5 %", 0.05, 0},
                                 {"0.1 % b", 0.001, 8}, {"1 % b", 0.01, 8},  {"5 % b", 0.05, 8}};
  std::vector<std::string> panels;
  for (const auto& [name, options] : contenders) panels.push_back(name);
  std::vector<std::string> columns;
  for (const Loss& loss : losses) columns.push_back(loss.name);
  bench::HeatMap map(panels, columns);
  for (const int mbps : {1, 10, 100, 1'000}) {
    if (mbps > most_mbps) break;
    for (const int rtt_ms : {1, 20, 50, 100, 300}) {
      const Duration rtt = std::chrono::milliseconds{rtt_ms};
      std::vector<double> row;
      for (const auto& [name, options] : contenders) {
        for (const Loss& loss : losses) {
          Trial trial{.path = {.mbps = static_cast<double>(mbps), .rtt = rtt, .loss = loss.share},
                      .burst = loss.burst,
                      .flows = {options}};
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
