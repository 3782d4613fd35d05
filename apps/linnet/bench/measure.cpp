#include "bench/workloads.hpp"

namespace linnet::app::bench {

boost::asio::awaitable<void> measure(Driver& driver, Report& report, const BenchOptions& options, Workload last) {
  if (options.wants(Workload::Throughput)) co_await measure_throughput(driver, report, options);
  if (options.wants(Workload::RoundTrip)) co_await measure_round_trip(driver, report, options);
  if (options.wants(Workload::SetUp)) co_await measure_set_up(driver, report, options);
  if (options.wants(Workload::IdleMemory) && last >= Workload::IdleMemory)
    co_await measure_idle_memory(driver, report, options);
  if (options.wants(Workload::ManyChannels) && last >= Workload::ManyChannels)
    co_await measure_many_channels(driver, report, options);
}

}  // namespace linnet::app::bench
