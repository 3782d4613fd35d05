#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>

#include "bench/report.hpp"
#include "bench/samples.hpp"
#include "linnet/data_channel.hpp"

namespace linnet::app::bench {

/// Round trips of 64-byte messages, one after the other, over a channel whose other side echoes, in microseconds; the
/// first few, which warm everything up, are left out. Throws Exception when no echo comes.
[[nodiscard]] boost::asio::awaitable<Samples> ping(DataChannel channel, std::chrono::duration<double> seconds);
void report_round_trip(Report& report, const Samples& microseconds);

}  // namespace linnet::app::bench
