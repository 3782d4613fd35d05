#pragma once

#include <boost/asio/awaitable.hpp>

#include "bench/bench_options.hpp"
#include "exit_code.hpp"
#include "options.hpp"
#include "output.hpp"

namespace linnet::app::bench {

// The ways that `linnet bench` has to another end.

/// Starts this program as the other end, tuned alike, and measures over loopback.
[[nodiscard]] boost::asio::awaitable<ExitCode> run_local(MeetingOptions meeting, BenchOptions options, Output& output);
/// Is that other end.
[[nodiscard]] boost::asio::awaitable<ExitCode> run_other_end(Tuning tuning);
/// Meets another `linnet bench` in a room: who was there first measures, the other answers.
[[nodiscard]] boost::asio::awaitable<ExitCode> run_in_room(MeetingOptions meeting, BenchOptions options,
                                                           Output& output);
/// Measures against whoever echoes, with signaling over standard input and output.
[[nodiscard]] boost::asio::awaitable<ExitCode> run_with_echo(MeetingOptions meeting, BenchOptions options,
                                                             Output& output);

}  // namespace linnet::app::bench
