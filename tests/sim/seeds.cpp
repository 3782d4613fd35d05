#include "sim/seeds.hpp"

#include <cstdlib>
#include <optional>

namespace linnet::sim {
namespace {

std::optional<std::uint64_t> number_in_environment(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

}  // namespace

std::vector<std::uint64_t> seeds(std::uint64_t usual) {
  if (const auto only = number_in_environment("LINNET_SIM_SEED")) return {*only};
  const std::uint64_t count = number_in_environment("LINNET_SIM_SEEDS").value_or(usual);
  std::vector<std::uint64_t> out;
  out.reserve(count);
  for (std::uint64_t seed = 1; seed <= count; ++seed) out.push_back(seed);
  return out;
}

std::string describe_seed(std::uint64_t seed) {
  return "seed " + std::to_string(seed) + ": run it again with LINNET_SIM_SEED=" + std::to_string(seed);
}

}  // namespace linnet::sim
