#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>

#include "bench/bench_options.hpp"
#include "exit_code.hpp"
#include "options.hpp"
#include "output.hpp"

namespace linnet::app {

// Each command runs to its end on the executor it was spawned on; standard input, output and signals are its own.

[[nodiscard]] boost::asio::awaitable<ExitCode> run_serve(ServeOptions options, Output& output);
[[nodiscard]] boost::asio::awaitable<ExitCode> run_chat(MeetingOptions meeting, Output& output);
[[nodiscard]] boost::asio::awaitable<ExitCode> run_send(MeetingOptions meeting, SendOptions options, Output& output);
[[nodiscard]] boost::asio::awaitable<ExitCode> run_recv(MeetingOptions meeting, RecvOptions options, Output& output);
[[nodiscard]] boost::asio::awaitable<ExitCode> run_echo(MeetingOptions meeting, Output& output);
[[nodiscard]] boost::asio::awaitable<ExitCode> run_bench(MeetingOptions meeting, bench::BenchOptions options,
                                                         Output& output);
[[nodiscard]] boost::asio::awaitable<ExitCode> run_doctor(DoctorOptions options, Output& output);

/// A room name that cannot be guessed: 50 random bits as two groups of letters and digits without look-alikes.
[[nodiscard]] std::string random_room();
/// Prints `text` as a QR code to standard error, for a phone's camera.
void print_qr_code(const std::string& text);

}  // namespace linnet::app
