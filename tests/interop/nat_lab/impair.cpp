// A long and lossy cable for the NAT lab, whose kernels have no netem: joins two TAP devices by the simulator's links.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>

#include "sim/link.hpp"

namespace linnet {
namespace {

using sim::Link;
using sim::LinkOptions;

constexpr std::size_t largest_frame = 65'536;

/// A TAP device that is there already. Owns its descriptor, which does not block.
class Tap {
 public:
  explicit Tap(const std::string& name) : descriptor_(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)) {
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "/dev/net/tun");
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (name.size() >= sizeof request.ifr_name) throw std::invalid_argument(name + " is too long");
    std::memcpy(request.ifr_name, name.c_str(), name.size() + 1);
    if (::ioctl(descriptor_, TUNSETIFF, &request) != 0) throw std::system_error(errno, std::generic_category(), name);
  }
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;
  ~Tap() { ::close(descriptor_); }

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  /// Empty when there is nothing to read.
  [[nodiscard]] std::span<const std::byte> read(std::span<std::byte> buffer) const {
    const auto size = ::read(descriptor_, buffer.data(), buffer.size());
    return size > 0 ? std::span<const std::byte>{buffer.first(static_cast<std::size_t>(size))}
                    : std::span<const std::byte>{};
  }
  /// What the device does not take is lost, as it is elsewhere.
  void write(std::span<const std::byte> frame) const { (void)!::write(descriptor_, frame.data(), frame.size()); }

 private:
  int descriptor_;
};

/// Ethernet's own frames: ARP, and ICMPv6 from router solicitation to redirect (RFC 4861). A path of many hops would
/// lose none of them, for each has its own.
bool is_of_the_cable(std::span<const std::byte> frame) {
  constexpr std::size_t ether_type = 12, next_header = 14 + 6, icmp_type = 14 + 40;
  if (frame.size() < ether_type + 2) return false;
  const auto at = [&](std::size_t index) { return std::to_integer<unsigned>(frame[index]); };
  const unsigned type = at(ether_type) << 8U | at(ether_type + 1);
  if (type == 0x0806) return true;
  return type == 0x86DD && frame.size() > icmp_type && at(next_header) == 58 && at(icmp_type) >= 133 &&
         at(icmp_type) <= 137;
}

/// One way: reads from one device, and writes to the other what arrives, when it does.
class Way {
 public:
  Way(const Tap& from, const Tap& to, const LinkOptions& options, std::uint64_t seed)
      : from_(from),
        to_(to),
        generator_(seed),
        link_(options, generator_),
        cable_({.latency = options.latency, .header_bytes = 0}, generator_) {}
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;
  ~Way() = default;

  void take(TimePoint now, std::span<std::byte> buffer) {
    for (auto frame = from_.read(buffer); !frame.empty(); frame = from_.read(buffer)) {
      (is_of_the_cable(frame) ? cable_ : link_).send(now, frame);
    }
  }
  void give(TimePoint now) {
    for (Link* link : {&cable_, &link_}) {
      while (link->receive(now, packet_)) to_.write(packet_.bytes);
    }
  }
  [[nodiscard]] TimePoint next_arrival() const noexcept {
    return std::min(cable_.next_arrival(), link_.next_arrival());
  }
  [[nodiscard]] const sim::LinkStats& stats() const noexcept { return link_.stats(); }

 private:
  const Tap& from_;
  const Tap& to_;
  SeededGenerator generator_;
  Link link_;
  Link cable_;
  sim::Packet packet_{};
};

TimePoint now() {
  return TimePoint{std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

timespec until(TimePoint at, TimePoint now) {
  const auto left = std::max(std::chrono::nanoseconds{at - now}, std::chrono::nanoseconds::zero()).count();
  return {.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000};
}

/// SIGTERM and SIGINT to be read.
int signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return ::signalfd(-1, &set, SFD_CLOEXEC);
}

void run(const Tap& near, const Tap& far, Way& out, Way& back) {
  std::array<std::byte, largest_frame> buffer{};
  std::array<pollfd, 3> ends{{{near.descriptor(), POLLIN, 0}, {far.descriptor(), POLLIN, 0}, {signals(), POLLIN, 0}}};
  std::cout << "ready" << std::endl;
  while ((ends[2].revents & POLLIN) == 0) {
    const TimePoint next = std::min(out.next_arrival(), back.next_arrival());
    const timespec left = until(next, now());
    if (::ppoll(ends.data(), ends.size(), next == never ? nullptr : &left, nullptr) < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "ppoll");
    }
    out.take(now(), buffer);
    back.take(now(), buffer);
    out.give(now());
    back.give(now());
  }
}

void tell(const char* direction, const sim::LinkStats& stats) {
  std::cout << direction << ": " << stats.sent << " frames, " << stats.lost << " lost, " << stats.duplicated
            << " twice, " << stats.reordered << " held back, " << stats.overflowed << " too many\n";
}

}  // namespace
}  // namespace linnet

int main(int argc, char** argv) try {
  using namespace linnet;
  std::string near_name, far_name;
  std::uint64_t seed = 1;
  double delay = 0, jitter = 0;
  sim::LinkOptions options{.reorder_delay = std::chrono::milliseconds{5}, .header_bytes = 0};
  CLI::App app{"Joins two TAP devices by a long and lossy cable, until SIGTERM."};
  app.add_option("near", near_name, "a TAP device")->required();
  app.add_option("far", far_name, "another one")->required();
  app.add_option("--delay", delay, "one way, in ms");
  app.add_option("--jitter", jitter, "up to so many ms more; keeps the order");
  app.add_option("--loss", options.loss, "part of the frames, 0 to 1");
  app.add_option("--reorder", options.reorder, "part of the frames that is held back by up to 5 ms");
  app.add_option("--duplicate", options.duplicate, "part of the frames that comes twice");
  app.add_option("--rate", options.bits_per_second, "bit/s; 0: as fast as it goes");
  app.add_option("--seed", seed, "of all luck");
  CLI11_PARSE(app, argc, argv);
  const auto ms = [](double value) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>{value});
  };
  options.latency = ms(delay);
  options.jitter = ms(jitter);

  const Tap near{near_name}, far{far_name};
  Way out{near, far, options, seed}, back{far, near, options, seed + 1};
  run(near, far, out, back);
  tell("out", out.stats());
  tell("back", back.stats());
  return EXIT_SUCCESS;
} catch (const std::exception& error) {
  std::cerr << "impair: " << error.what() << '\n';
  return EXIT_FAILURE;
}
