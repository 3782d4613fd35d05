#include <fcntl.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "bench/bench_arguments.hpp"
#include "commands.hpp"
#include "doctor.hpp"
#include "linnet/exception.hpp"
#include "linnet/signaling/types.hpp"
#include "serve_turn.hpp"
#include "tune.hpp"

namespace linnet::app {
namespace {

namespace asio = boost::asio;
using Command = std::function<asio::awaitable<ExitCode>(Output&)>;

std::string environment(const char* name, std::string otherwise) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment.
  const char* value = std::getenv(name);
  return value && *value ? std::string{value} : std::move(otherwise);
}

std::string default_name() {
  std::array<char, 65> host{};
  auto name = environment("USER", {});
  if (name.empty() && ::gethostname(host.data(), host.size() - 1) == 0) name = host.data();
  return name.empty() ? "somebody" : name;
}

constexpr std::chrono::milliseconds goodbye_time{500};

ExitCode exit_code_of(ErrorName name) {
  switch (name) {
    case ErrorName::SyntaxError:
    case ErrorName::TypeError:
    case ErrorName::NotSupportedError: return ExitCode::Usage;
    case ErrorName::InvalidAccessError: return ExitCode::NotAllowed;
    default: return ExitCode::NoPath;
  }
}

std::string stun_url(const std::string& url) {
  return url.starts_with("stun:") && url.size() > 5 ? std::string{}
                                                    : "'" + url + "' is no STUN server: stun:HOST or stun:HOST:PORT";
}

/// Runs one command until it returns or a signal ends it, then lets the connections say what was sent and goodbye.
ExitCode run(const Command& command, bool handles_signals, Output& output) {
  asio::io_context context{1};
  std::optional<ExitCode> result;
  asio::signal_set signals{context};
  asio::steady_timer goodbye{context};
  asio::cancellation_signal cancel;
  if (!handles_signals) {
    signals.add(SIGINT);
    signals.add(SIGTERM);
    signals.async_wait([&](boost::system::error_code error, int) {
      if (error || result) return;
      result = ExitCode::Interrupted;
      cancel.emit(asio::cancellation_type::terminal);
      // The peers hear that we go; nobody who pressed Ctrl-C waits long for that, or at all after a second one.
      goodbye.expires_after(goodbye_time);
      goodbye.async_wait([&](boost::system::error_code stopped) {
        if (!stopped) context.stop();
      });
      signals.async_wait([&](boost::system::error_code again, int) {
        if (!again) context.stop();
      });
    });
  }
  const auto finished = [&](std::exception_ptr error, ExitCode code) {
    // Whatever is still being said goodbye to: a signal now ends the program at once.
    signals.clear();   // the dispositions,
    signals.cancel();  // and the wait
    if (result == ExitCode::Interrupted) return;
    result = code;
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const Exception& problem) {
      output.error(problem.error().message);
      result = exit_code_of(problem.name());
    } catch (const std::exception& problem) {
      output.error(problem.what());
      result = ExitCode::NoPath;
    }
  };
  asio::co_spawn(context, command(output), asio::bind_cancellation_slot(cancel.slot(), finished));
  for (;;) {
    try {
      context.run();
      break;
    } catch (const std::exception& problem) {
      // What a handler of the program threw; the connections are whole and say goodbye.
      output.error(problem.what());
      result = ExitCode::NoPath;
      cancel.emit(asio::cancellation_type::terminal);
    }
  }
  return result.value_or(ExitCode::NoPath);
}

struct Options {
  CommonOptions common;
  MeetingOptions meeting;
  ServeOptions serve;
  SendOptions send;
  RecvOptions recv;
  bench::BenchOptions bench;
  DoctorOptions doctor;
  bool overwrite = false;
  bool rename = false;
  bool resume = false;
};

std::string ip_address(const std::string& value) {
  boost::system::error_code error;
  asio::ip::make_address(value, error);
  return error ? "'" + value + "' is no IP address" : std::string{};
}

std::string room_name(const std::string& value) {
  return signaling::is_valid_id(value) ? std::string{}
                                       : "'" + value +
                                             "' is no room name: letters, digits, spaces, dots, dashes and "
                                             "underscores, 64 at most, a letter or digit first and last";
}

/// Made here already, and for its owner only: it is better to hear at once that it cannot be.
std::string appendable_file(const std::string& path) {
  constexpr mode_t owner_only = 0600;
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, owner_only);
  if (file < 0) return "'" + path + "' cannot be written: " + std::system_category().message(errno);
  ::close(file);
  return {};
}

void add_common(CLI::App& app, Options& options) {
  app.add_flag("--json", options.common.json, "Events as JSON lines on standard output");
  app.add_flag("-q,--quiet", options.common.quiet, "Nothing but data and errors");
  app.add_option("--log", options.common.log, "What the library does, on standard error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
}

void add_meeting(CLI::App& app, Options& options) {
  auto& meeting = options.meeting;
  app.add_option("--server", meeting.server, "The signaling server (also LINNET_SERVER)")
      ->capture_default_str()
      ->type_name("URL");
  auto* signal = app.add_option("--signal", meeting.signal,
                                "'stdio': no server, signaling as JSON lines on standard input and output")
                     ->check(CLI::IsMember({"stdio"}));
  app.add_flag("--offer", meeting.offer, "With --signal stdio: this side makes the offer")->needs(signal);
  app.add_option("--name", meeting.name, "What the others see you as")->check([](const std::string& name) {
    return name.size() > 64 ? std::string{"a name has at most 64 bytes"} : std::string{};
  });
  app.add_option("--stun", meeting.stun, "A STUN server, as stun:host:port; may be given more than once")
      ->check(stun_url);
  auto* relay_only = app.add_flag("--relay-only", meeting.relay_only,
                                  "Connect through the server's TURN relays only; peers do not learn our addresses");
  app.add_flag("--no-relay", meeting.no_relay, "Connect directly or not at all")->excludes(relay_only);
  const auto experiment = [&meeting](const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      (name == "snap" ? meeting.tuning.experimental_snap : meeting.tuning.experimental_sped) = true;
      meeting.tuned.insert(meeting.tuned.end(), {"--experimental", name});
    }
  };
  app.add_option_function<std::vector<std::string>>(
         "--experimental", experiment,
         "'snap', 'sped': drafts that make the set-up faster with peers that know them; may change or go")
      ->check(CLI::IsMember({"snap", "sped"}));
  app.add_option_function<std::vector<std::string>>(
         "--tune",
         [&meeting](const std::vector<std::string>& settings) {
           for (const std::string& setting : settings) {
             if (const auto wrong = tune(meeting.tuning, setting); !wrong.empty()) {
               throw CLI::ValidationError("--tune", wrong);
             }
             meeting.tuned.insert(meeting.tuned.end(), {"--tune", setting});
           }
         },
         "How data is carried, for measuring and for odd peers: " + tunable() + "; may be given more than once")
      ->type_name("NAME=VALUE");
  app.add_option("--connect-timeout", meeting.connect_timeout, "Seconds to wait for a connection to a peer")
      ->capture_default_str()
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 3600));
  app.add_option("--trace", meeting.tuning.trace,
                 "Append what the protocols do to this file, as JSON lines in the style of qlog")
      ->check(appendable_file);
  app.add_option("--key-log", meeting.tuning.key_log,
                 "Append the keys to this file, for Wireshark: whoever has it can read everything that is said")
      ->check(appendable_file);
  add_common(app, options);
}

}  // namespace

int run_program(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  Options options;
  options.meeting.server = environment("LINNET_SERVER", options.meeting.server);
  options.meeting.name = default_name();
  CLI::App app{"linnet: chat and files between terminals and browsers, directly and encrypted", "linnet"};
  app.set_version_flag("--version", "linnet " LINNET_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 usage, 2 refused by the peer, 3 no path, 4 not allowed, 5 disk, 6 verification failed, "
      "130 interrupted.");
  Command command;

  auto* serve = app.add_subcommand("serve", "Serve signaling and the web page on one port");
  serve->add_option("--port", options.serve.port, "TCP port, 0 for a free one")->capture_default_str();
  serve->add_option("--bind", options.serve.bind, "Address to listen on; 0.0.0.0 for the whole network")
      ->capture_default_str()
      ->type_name("ADDRESS")
      ->check(ip_address);
  serve->add_option("--web", options.serve.web, "Folder of the web page")->check(CLI::ExistingDirectory);
  serve
      ->add_option("--stun", options.serve.stun,
                   "A STUN server for all peers, as stun:host:port; may be given more than once")
      ->check(stun_url);
  add_turn_arguments(*serve, options.serve.turn);
  serve->add_option("--origin", options.serve.origins,
                    "Another web page's origin that may connect, as https://example.org");
  serve->add_flag("--no-qr", options.serve.no_qr, "Print no QR code");
  add_common(*serve, options);
  serve->callback([&] { command = [&](Output& output) { return run_serve(options.serve, output); }; });

  auto* chat = app.add_subcommand("chat", "Talk to everybody in a room; each line of standard input is said");
  auto* chat_room = chat->add_option("room", options.meeting.room, "The room's name")->check(room_name);
  add_meeting(*chat, options);
  chat->callback([&, chat_room] {
    if (chat_room->empty() && !options.meeting.stdio()) throw CLI::RequiredError("room");
    command = [&](Output& output) { return run_chat(options.meeting, output); };
  });

  auto* send = app.add_subcommand("send", "Send files and folders to whoever has the code");
  send->add_option("path", options.send.paths, "Files and folders")->required();
  send->add_option("--code", options.meeting.room, "Use this code instead of a random one")->check(room_name);
  add_meeting(*send, options);
  send->callback([&] { command = [&](Output& output) { return run_send(options.meeting, options.send, output); }; });

  auto* recv = app.add_subcommand("recv", "Receive files; without a code, make one for the sender");
  recv->add_option("code", options.meeting.room, "The code that the sender shows")->check(room_name);
  recv->add_option("-o,--out", options.recv.out, "Folder to save in")->capture_default_str();
  recv->add_flag("-y,--yes", options.recv.yes, "Take everything without asking");
  auto* existing = recv->add_option_group("existing", "When a file of that name is there already (else: refuse it)");
  existing->add_flag("--overwrite", options.overwrite, "Replace it");
  existing->add_flag("--rename", options.rename, "Save as 'name (2)'");
  existing->add_flag("--resume", options.resume, "Keep the part of an interrupted transfer, and go on from it");
  existing->require_option(0, 1);
  add_meeting(*recv, options);
  recv->callback([&] {
    options.recv.existing = options.overwrite ? Existing::Overwrite
                            : options.rename  ? Existing::Rename
                            : options.resume  ? Existing::Resume
                                              : Existing::Refuse;
    command = [&](Output& output) { return run_recv(options.meeting, options.recv, output); };
  });

  auto* echo = app.add_subcommand("echo", "Send every message on every channel back as it came");
  echo->add_option("room", options.meeting.room, "The room's name (default: echo)")->check(room_name);
  add_meeting(*echo, options);
  echo->callback([&] {
    if (options.meeting.room.empty()) options.meeting.room = "echo";
    command = [&](Output& output) { return run_echo(options.meeting, output); };
  });

  auto* measure = app.add_subcommand("bench", "Measure throughput, round trip and set-up between two programs");
  measure->add_option("room", options.meeting.room, "Meet another `linnet bench` in this room")->check(room_name);
  bench::add_arguments(*measure, options.bench);
  add_meeting(*measure, options);
  measure->callback([&] {
    options.bench.json = options.common.json;
    bench::check_arguments(options.bench, options.meeting);
    command = [&](Output& output) { return run_bench(options.meeting, options.bench, output); };
  });

  auto* doctor = app.add_subcommand("doctor", "Say what this network lets through, and whether connections will work");
  options.doctor.server = environment("LINNET_SERVER", {});
  add_doctor_arguments(*doctor, options.doctor);
  add_common(*doctor, options);
  doctor->callback([&] { command = [&](Output& output) { return run_doctor(options.doctor, output); }; });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 would only say that there is no command, not that this is none.
    const auto others = app.remaining();
    if (app.get_subcommands().empty() && !others.empty() && error.get_exit_code() != 0) {
      std::cerr << "'" << Output::printable(others.front()) << "' is no command of linnet\n"
                << "Run with --help for more information.\n";
      return static_cast<int>(ExitCode::Usage);
    }
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::Usage);
  }
  spdlog::set_default_logger(spdlog::stderr_color_st("linnet"));
  spdlog::set_pattern("%H:%M:%S.%e %^%l%$ %v");
  spdlog::set_level(spdlog::level::from_str(options.common.log));
  Output output{options.common.json, options.common.quiet, options.meeting.stdio()};
  return static_cast<int>(run(command, serve->parsed(), output));
}

}  // namespace linnet::app

int main(int argc, char** argv) { return linnet::app::run_program(argc, argv); }
