#include "progress.hpp"

#include <algorithm>

#include "format.hpp"

namespace linnet::app {

using namespace std::chrono_literals;

namespace {

/// As much of a name as leaves room for the rest of the line; a character of several bytes stays whole.
std::string shortened(const std::string& name) {
  constexpr std::size_t most = 20;
  std::size_t characters = 0;
  std::size_t keep = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if ((static_cast<unsigned char>(name[i]) & 0xc0) == 0x80) continue;
    if (++characters == most) keep = i;
  }
  return characters <= most ? name : name.substr(0, keep) + "\u2026";
}

}  // namespace

Progress::Progress(Output& output, const std::string& name, std::uint64_t size, std::uint64_t already)
    : output_(output), name_(Output::printable(name)), size_(size), already_(already), bytes_(already) {}

Progress::~Progress() { output_.progress({}); }

double Progress::rate() const {
  const std::chrono::duration<double> elapsed = Clock::now() - started_;
  return elapsed.count() > 0 ? static_cast<double>(bytes_ - already_) / elapsed.count() : 0;
}

void Progress::update(std::uint64_t bytes) {
  bytes_ = bytes;
  const auto now = Clock::now();
  if (now - shown_ < (output_.json() ? 250ms : 100ms)) return;
  shown_ = now;
  const double per_second = rate();
  if (output_.json()) {
    output_.event("progress", {{"name", name_}, {"bytes", bytes_}, {"size", size_}, {"bytes_per_second", per_second}});
    return;
  }
  constexpr std::size_t width = 16;
  const auto filled = size_ == 0 ? width
                                 : static_cast<std::size_t>(static_cast<double>(width) * static_cast<double>(bytes_) /
                                                            static_cast<double>(size_));
  std::string line = shortened(name_) + " [";
  for (std::size_t i = 0; i < width; ++i) line += i < filled ? '#' : '.';
  line += "] " + format_bytes(bytes_) + " / " + format_bytes(size_) + "  " +
          format_bytes(static_cast<std::uint64_t>(per_second)) + "/s";
  if (per_second > 0) {
    const auto left = static_cast<double>(size_ - std::min(size_, bytes_)) / per_second;
    line += "  " + format_duration(std::chrono::seconds{static_cast<long long>(std::min(left, 360'000.0))}) + " left";
  }
  output_.progress(line);
}

std::string Progress::summary() const {
  const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - started_ + 999ms);
  return format_bytes(bytes_) + " in " + format_duration(elapsed) + ", " +
         format_bytes(static_cast<std::uint64_t>(rate())) + "/s";
}

}  // namespace linnet::app
