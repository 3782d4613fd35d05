#include "tune.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "linnet/core/address.hpp"

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
using Port = std::uint16_t Tuning::*;
using Texts = std::vector<std::string> Tuning::*;
using Addresses = std::vector<PublicAddress> Tuning::*;

struct Setting {
  std::string_view name;
  std::variant<Switch, Size, Algorithm, Tcp, Port, Texts, Addresses> target;
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
    Setting{"ice_ipv4_first", &Tuning::ice_ipv4_first},
    Setting{"use_ipv4", &Tuning::use_ipv4},
    Setting{"use_ipv6", &Tuning::use_ipv6},
    Setting{"ice_allow_interfaces", &Tuning::ice_allow_interfaces},
    Setting{"ice_deny_interfaces", &Tuning::ice_deny_interfaces},
    Setting{"ice_allow_addresses", &Tuning::ice_allow_addresses},
    Setting{"ice_deny_addresses", &Tuning::ice_deny_addresses},
    Setting{"ice_public_addresses", &Tuning::ice_public_addresses},
    Setting{"ice_show_private_addresses", &Tuning::ice_show_private_addresses},
    Setting{"ice_mdns", &Tuning::ice_mdns},
    Setting{"port_min", &Tuning::port_min},
    Setting{"port_max", &Tuning::port_max},
    Setting{"udp_mux_port", &Tuning::udp_mux_port},
    Setting{"tcp_mux_port", &Tuning::tcp_mux_port},
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
  struct Say {
    std::string operator()(const Size& size) const {
      return std::to_string(size.least) + " to " + std::to_string(size.most);
    }
    std::string operator()(Switch) const { return "on or off"; }
    std::string operator()(Algorithm) const { return "cubic, newreno or bbr"; }
    std::string operator()(Tcp) const { return "off, active or active-passive"; }
    std::string operator()(Port) const { return "0 to 65535"; }
    std::string operator()(Texts) const { return "a list with commas"; }
    std::string operator()(Addresses) const { return "PUBLIC or PUBLIC/LOCAL, a list with commas"; }
  };
  return std::visit(Say{}, setting.target);
}

/// The parts between commas; none of nothing.
std::vector<std::string> parts(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    out.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return out;
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

bool set(Tuning& tuning, Port target, std::string_view value) {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size()) return false;
  tuning.*target = number;
  return true;
}

bool set(Tuning& tuning, Texts target, std::string_view value) {
  auto texts = parts(value);
  if (std::ranges::any_of(texts, &std::string::empty)) return false;
  tuning.*target = std::move(texts);
  return true;
}

bool set(Tuning& tuning, Addresses target, std::string_view value) {
  std::vector<PublicAddress> out;
  for (const std::string& part : parts(value)) {
    const auto slash = part.find('/');
    PublicAddress address{.address = part.substr(0, slash)};
    if (slash != std::string::npos) address.local = part.substr(slash + 1);
    const bool known =
        IpAddress::parse(address.address) && (slash == std::string::npos || IpAddress::parse(address.local));
    if (!known) return false;
    out.push_back(std::move(address));
  }
  tuning.*target = std::move(out);
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
