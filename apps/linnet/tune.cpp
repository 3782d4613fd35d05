#include "tune.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <utility>
#include <variant>

namespace linnet::app {
namespace {

struct Size {
  std::size_t Tuning::* member;
  std::size_t least;
  std::size_t most;
};
using Switch = bool Tuning::*;
using Algorithm = CongestionAlgorithm Tuning::*;
using Tcp = IceTcp Tuning::*;

struct Setting {
  std::string_view name;
  std::variant<Switch, Size, Algorithm, Tcp> target;
};

constexpr std::array settings{
    Setting{"congestion_algorithm", &Tuning::congestion_algorithm},
    Setting{"sctp_pacing", &Tuning::sctp_pacing},
    Setting{"sctp_tolerate_random_loss", &Tuning::sctp_tolerate_random_loss},
    Setting{"sctp_interleaving", &Tuning::sctp_interleaving},
    Setting{"sctp_ecn", &Tuning::sctp_ecn},
    Setting{"sctp_zero_checksum", &Tuning::sctp_zero_checksum},
    Setting{"mtu", Size{&Tuning::mtu, 576, 16'421}},
    Setting{"max_mtu", Size{&Tuning::max_mtu, 0, 16'421}},
    Setting{"ice_udp", &Tuning::ice_udp},
    Setting{"ice_tcp", &Tuning::ice_tcp},
};

constexpr std::array algorithms{
    std::pair{std::string_view{"cubic"}, CongestionAlgorithm::Cubic},
    std::pair{std::string_view{"newreno"}, CongestionAlgorithm::NewReno},
    std::pair{std::string_view{"bbr"}, CongestionAlgorithm::Bbr},
};

constexpr std::array tcp_uses{
    std::pair{std::string_view{"off"}, IceTcp::Off},
    std::pair{std::string_view{"active"}, IceTcp::Active},
    std::pair{std::string_view{"active-passive"}, IceTcp::ActivePassive},
};

std::string values(const Setting& setting) {
  if (const auto* size = std::get_if<Size>(&setting.target)) {
    return std::to_string(size->least) + " to " + std::to_string(size->most);
  }
  if (std::holds_alternative<Tcp>(setting.target)) return "off, active or active-passive";
  return std::holds_alternative<Switch>(setting.target) ? "on or off" : "cubic, newreno or bbr";
}

bool set(Tuning& tuning, Switch target, std::string_view value) {
  if (value != "on" && value != "off") return false;
  tuning.*target = value == "on";
  return true;
}

bool set(Tuning& tuning, const Size& target, std::string_view value) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size()) return false;
  if (number < target.least || number > target.most) return false;
  tuning.*target.member = number;
  return true;
}

bool set(Tuning& tuning, Algorithm target, std::string_view value) {
  const auto* const found = std::ranges::find(algorithms, value, &decltype(algorithms)::value_type::first);
  if (found == algorithms.end()) return false;
  tuning.*target = found->second;
  return true;
}

bool set(Tuning& tuning, Tcp target, std::string_view value) {
  const auto* const found = std::ranges::find(tcp_uses, value, &decltype(tcp_uses)::value_type::first);
  if (found == tcp_uses.end()) return false;
  tuning.*target = found->second;
  return true;
}

}  // namespace

std::string tune(Tuning& tuning, std::string_view text) {
  const auto equals = text.find('=');
  const auto name = text.substr(0, equals);
  const auto* const setting = std::ranges::find(settings, name, &Setting::name);
  if (equals == std::string_view::npos || setting == settings.end()) {
    return "'" + std::string(text) + "' is not NAME=VALUE with one of the names " + tunable();
  }
  const auto value = text.substr(equals + 1);
  if (std::visit([&](const auto& target) { return set(tuning, target, value); }, setting->target)) return {};
  return "'" + std::string(value) + "' is no value of " + std::string(name) + ": " + values(*setting);
}

std::string tunable() {
  std::string out;
  for (const Setting& setting : settings) {
    if (!out.empty()) out += ", ";
    out.append(setting.name).append(" (").append(values(setting)).append(")");
  }
  return out;
}

}  // namespace linnet::app
