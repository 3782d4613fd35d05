#include "bench/bench.hpp"

#include <utility>

#include "commands.hpp"

namespace linnet::app {

boost::asio::awaitable<ExitCode> run_bench(MeetingOptions meeting, bench::BenchOptions options, Output& output) {
  if (options.other_end) return bench::run_other_end(std::move(meeting.tuning));
  if (options.local) return bench::run_local(std::move(meeting), std::move(options), output);
  if (meeting.stdio()) return bench::run_with_echo(std::move(meeting), std::move(options), output);
  return bench::run_in_room(std::move(meeting), std::move(options), output);
}

}  // namespace linnet::app
