// Runs a fuzz target over its corpus without libFuzzer: each input as it is, each of its prefixes, and
// some thousand mutations of it that are the same in every run.
//
//   replay_NAME CORPUS-DIRECTORY-OR-FILE... [--mutations=N]
#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "linnet/core/generator.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Options {
  std::size_t mutations = 2'000;  ///< Of each input.
  /// Slow targets (whole handshakes) are cut off here, not in the middle of the inputs themselves.
  std::chrono::seconds mutation_time{20};
  std::vector<fs::path> paths;
};

struct Counts {
  std::size_t inputs = 0;
  std::size_t prefixes = 0;
  std::size_t mutations = 0;
};

std::optional<Options> parse(int argc, char** argv) {
  constexpr std::string_view mutations = "--mutations=";
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with("--")) {
      options.paths.emplace_back(argument);
      continue;
    }
    if (!argument.starts_with(mutations)) return std::nullopt;
    const auto number = argument.substr(mutations.size());
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), options.mutations);
    if (error != std::errc{} || end != number.data() + number.size()) return std::nullopt;
  }
  if (options.paths.empty()) return std::nullopt;
  return options;
}

std::vector<fs::path> files_of(const std::vector<fs::path>& paths) {
  std::vector<fs::path> files;
  for (const fs::path& path : paths) {
    if (fs::is_directory(path)) {
      for (const auto& entry : fs::directory_iterator{path}) {
        if (entry.is_regular_file()) files.push_back(entry.path());
      }
    } else if (fs::is_regular_file(path)) {
      files.push_back(path);
    }
  }
  std::ranges::sort(files);
  return files;
}

Bytes read(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

const Bytes* current = nullptr;

// Prints the input that killed the target, ready for `xxd -r -p`.
extern "C" void print_input(int signal_number) {
  std::signal(signal_number, SIG_DFL);
  if (current != nullptr) {
    std::fprintf(stderr, "died of this input of %zu bytes:\n", current->size());
    for (const std::uint8_t byte : *current) std::fprintf(stderr, "%02x", byte);
    std::fputc('\n', stderr);
  }
  std::raise(signal_number);
}

// An exact allocation, so that AddressSanitizer sees a read of one byte too many.
void run(const Bytes& input) {
  const Bytes exact{input.begin(), input.end()};
  current = &exact;
  (void)LLVMFuzzerTestOneInput(exact.data(), exact.size());
  current = nullptr;
}

std::size_t run_prefixes(const Bytes& input) {
  // All of the short ones; then a step that keeps it at some hundred.
  const std::size_t step = std::max<std::size_t>(1, input.size() / 512);
  std::size_t count = 0;
  for (std::size_t size = 0; size < input.size(); size += step, ++count) {
    run({input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size)});
  }
  return count;
}

void mutate_once(Bytes& bytes, const Bytes& donor, linnet::Generator& random) {
  constexpr std::uint8_t interesting[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
  const auto at = [&](std::size_t bound) { return static_cast<std::size_t>(random.below(bound)); };
  const auto position = [&](std::size_t i) { return bytes.begin() + static_cast<std::ptrdiff_t>(i); };
  if (bytes.empty()) {
    bytes.push_back(static_cast<std::uint8_t>(random.below(256)));
    return;
  }
  switch (random.below(7)) {
    case 0: bytes[at(bytes.size())] ^= static_cast<std::uint8_t>(1u << random.below(8)); break;
    case 1: bytes[at(bytes.size())] = static_cast<std::uint8_t>(random.below(256)); break;
    case 2: bytes[at(bytes.size())] = interesting[at(std::size(interesting))]; break;
    case 3: bytes.insert(position(at(bytes.size() + 1)), static_cast<std::uint8_t>(random.below(256))); break;
    case 4: bytes.erase(position(at(bytes.size()))); break;
    case 5: {  // A piece twice.
      const std::size_t from = at(bytes.size());
      const Bytes piece{position(from), position(from + at(std::min<std::size_t>(bytes.size() - from, 64) + 1))};
      bytes.insert(position(at(bytes.size() + 1)), piece.begin(), piece.end());
      break;
    }
    default: {  // The end of another input.
      const std::size_t keep = at(bytes.size() + 1);
      const std::size_t from = at(donor.size() + 1);
      bytes.resize(keep);
      bytes.insert(bytes.end(), donor.begin() + static_cast<std::ptrdiff_t>(from), donor.end());
    }
  }
}

Counts replay(const std::vector<Bytes>& inputs, const Options& options) {
  Counts counts;
  for (const Bytes& input : inputs) {
    run(input);
    ++counts.inputs;
  }
  const auto deadline = Clock::now() + options.mutation_time;
  for (const Bytes& input : inputs) {
    if (Clock::now() > deadline) break;
    counts.prefixes += run_prefixes(input);
  }
  linnet::SeededGenerator random{1};
  for (std::size_t round = 0; round < options.mutations && Clock::now() < deadline; ++round) {
    for (const Bytes& input : inputs) {
      Bytes bytes = input;
      const std::uint64_t changes = 1 + random.below(6);
      for (std::uint64_t i = 0; i < changes; ++i) {
        mutate_once(bytes, inputs[static_cast<std::size_t>(random.below(inputs.size()))], random);
      }
      run(bytes);
      ++counts.mutations;
    }
  }
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!options) {
    std::fprintf(stderr, "usage: %s CORPUS... [--mutations=N]\n", argv[0]);
    return 2;
  }
  for (const int signal_number : {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGBUS}) std::signal(signal_number, print_input);
  std::vector<Bytes> inputs;
  for (const fs::path& file : files_of(options->paths)) inputs.push_back(read(file));
  if (inputs.empty()) {
    std::fprintf(stderr, "the corpus is empty\n");
    return 1;
  }
  const Counts counts = replay(inputs, *options);
  std::printf("%zu inputs, %zu prefixes, %zu mutations\n", counts.inputs, counts.prefixes, counts.mutations);
  return 0;
}
