#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "output.hpp"

namespace linnet::app {

/// Shows how far one file is: a bar with rate and time left for a person, an event a quarter of a second with --json.
class Progress {
 public:
  Progress(Output& output, const std::string& name, std::uint64_t size, std::uint64_t already = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `bytes` of the file are through; cheap enough to call for every chunk.
  void update(std::uint64_t bytes);
  /// "12.3 MB in 0:04, 3.1 MB/s"
  [[nodiscard]] std::string summary() const;

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] double rate() const;

  Output& output_;
  std::string name_;
  std::uint64_t size_;
  std::uint64_t already_;
  std::uint64_t bytes_;
  Clock::time_point started_ = Clock::now();
  Clock::time_point shown_{};
};

}  // namespace linnet::app
