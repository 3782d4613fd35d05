#include "bench/bench_arguments.hpp"

#include <CLI/CLI.hpp>
#include <string>

namespace linnet::app::bench {

void add_arguments(CLI::App& app, BenchOptions& options) {
  app.add_flag("--local", options.local, "Both ends on this machine, as two processes over loopback; w1 to w5");
  app.add_option_function<std::string>(
         "--only", [&options](const std::string& text) { options.only = parse_workloads(text).value(); },
         "Some of w1 throughput, w2 round trip, w3 set-up; with --local also w4 memory, w5 channels")
      ->type_name("w1,w2,...")
      ->check([](const std::string& text) {
        return parse_workloads(text) ? std::string{} : "'" + text + "' is no list of w1, w2, w3, w4 and w5, as 'w1,w3'";
      });
  app.add_option("--seconds", options.seconds, "How long each run of w1 and w2 takes")
      ->capture_default_str()
      ->check(CLI::Range(0.01, 3600.0));
  app.add_option("--setups", options.setups, "w3: connections, one after the other")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  app.add_option("--connections", options.connections, "w4: idle connections at one time")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  app.add_option("--channels", options.channels, "w5: channels on one connection")
      ->capture_default_str()
      ->check(CLI::Range(2, 65'534));
  app.add_flag("--other-end", options.other_end)->group("");
}

void check_arguments(const BenchOptions& options, const MeetingOptions& meeting) {
  const int ways = (options.local ? 1 : 0) + (meeting.stdio() ? 1 : 0) + (meeting.room.empty() ? 0 : 1);
  if (ways != 1) throw CLI::ValidationError("bench needs one of ROOM, --local and --signal stdio");
  const bool local_only = options.only.contains(Workload::IdleMemory) || options.only.contains(Workload::ManyChannels);
  if (local_only && !options.local) throw CLI::ValidationError("--only: w4 and w5 need --local");
}

}  // namespace linnet::app::bench
