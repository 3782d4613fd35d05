// Which sockets a connection binds: Tuning's filters of interfaces and addresses, ports, and ice_udp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "api/testing_pair.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

Tuning on_loopback() {
  Tuning tuning;
  tuning.ice_loopback_only = true;
  tuning.ice_tcp = IceTcp::Off;
  return tuning;
}

awaitable<void> until_gathered(PeerConnection& pc) {
  while (pc.ice_gathering_state() != IceGatheringState::Complete) co_await asio::post(asio::use_awaitable);
}

/// "udp 127.0.0.1 5000" for each host candidate.
std::set<std::string> gathered(const Tuning& tuning) {
  asio::io_context io;
  PeerConnection pc{io, {}, tuning};
  std::set<std::string> out;
  pc.on_ice_candidate = [&](const IceCandidateEvent& e) {
    if (e.candidate && e.candidate->address)
      out.insert(e.candidate->protocol.value() + ' ' + *e.candidate->address + ' ' +
                 std::to_string(e.candidate->port.value()));
  };
  const DataChannel channel = pc.create_data_channel("x");
  testing::run(io, [](PeerConnection& p) -> awaitable<void> {
    co_await p.set_local_description();
    co_await until_gathered(p);
  }(pc));
  return out;
}

/// UDP sockets of this process, by what Linux tells.
std::size_t udp_sockets() {
  std::set<std::string> inodes;
  for (const char* const table : {"/proc/self/net/udp", "/proc/self/net/udp6"}) {
    std::ifstream file{table};
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::istringstream fields{line};
      std::string field;
      for (int i = 0; i < 10; ++i) fields >> field;
      inodes.insert("socket:[" + field + "]");
    }
  }
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    std::error_code gone;
    count += inodes.count(std::filesystem::read_symlink(entry.path(), gone).string());
  }
  return count;
}

TEST(Policies, WithoutUdpNoUdpSocketIsBound) {
  asio::io_context io;
  Tuning tuning = on_loopback();
  tuning.ice_tcp = IceTcp::ActivePassive;
  const auto open_channel = [&](const Tuning& with) {
    testing::Pair pair{io.get_executor(), with};
    bool open = false;
    DataChannel channel = pair.a->create_data_channel("x");
    channel.on_open = [&] { open = true; };
    testing::run(io, [](const bool& is_open) -> awaitable<void> {
      while (!is_open) co_await asio::post(asio::use_awaitable);
    }(open));
    return udp_sockets();
  };
  EXPECT_GT(open_channel(tuning), 0U);
  io.restart();
  io.poll();
  asio::io_context other;
  tuning.ice_udp = false;
  tuning.udp_mux_port = 1;  // Not bound either.
  testing::Pair pair{other.get_executor(), tuning};
  const std::size_t before = udp_sockets();
  bool open = false;
  DataChannel channel = pair.a->create_data_channel("x");
  channel.on_open = [&] { open = true; };
  testing::run(other, [](const bool& is_open) -> awaitable<void> {
    while (!is_open) co_await asio::post(asio::use_awaitable);
  }(open));
  EXPECT_LE(udp_sockets(), before);
}

TEST(Policies, AnInterfaceOrAddressThatIsDeniedIsNotBound) {
  Tuning tuning = on_loopback();
  EXPECT_THAT(gathered(tuning), Contains(StartsWith("udp 127.0.0.1 ")));
  tuning.ice_deny_interfaces = {"l*"};
  EXPECT_THAT(gathered(tuning), IsEmpty());
  tuning.ice_deny_interfaces = {};
  tuning.ice_allow_interfaces = {"lo", "eth*"};
  EXPECT_THAT(gathered(tuning), Not(IsEmpty()));
  tuning.ice_deny_addresses = {"127.0.0.0/8"};
  EXPECT_THAT(gathered(tuning), Not(Contains(StartsWith("udp 127."))));
  tuning.ice_deny_addresses = {};
  tuning.ice_allow_addresses = {"127.0.0.1"};
  EXPECT_THAT(gathered(tuning), ElementsAre(StartsWith("udp 127.0.0.1 ")));
}

TEST(Policies, PortsAreOfTheRange) {
  asio::io_context io;
  std::uint16_t free = 0;
  {
    const asio::ip::udp::socket socket{io, asio::ip::udp::endpoint{asio::ip::udp::v4(), 0}};
    free = socket.local_endpoint().port();
  }
  Tuning tuning = on_loopback();
  tuning.use_ipv6 = false;
  tuning.port_min = free;
  tuning.port_max = free;
  EXPECT_THAT(gathered(tuning), ElementsAre("udp 127.0.0.1 " + std::to_string(free)));
}

TEST(Policies, APublicAddressIsToldInsteadOfTheOwnOne) {
  Tuning tuning = on_loopback();
  tuning.use_ipv6 = false;
  tuning.ice_public_addresses = {{.address = "203.0.113.5", .local = "127.0.0.1"}};
  EXPECT_THAT(gathered(tuning), ElementsAre(StartsWith("udp 203.0.113.5 ")));
}

}  // namespace
}  // namespace linnet
