#pragma once

#include <CLI/App.hpp>

#include "bench/bench_options.hpp"
#include "options.hpp"

namespace linnet::app::bench {

/// The options of `linnet bench` besides those of every command.
void add_arguments(CLI::App& app, BenchOptions& options);
/// Throws CLI::ParseError for a choice that makes no sense.
void check_arguments(const BenchOptions& options, const MeetingOptions& meeting);

}  // namespace linnet::app::bench
