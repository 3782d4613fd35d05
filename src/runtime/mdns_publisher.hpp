#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "crypto/system_generator.hpp"
#include "linnet/core/address.hpp"
#include "mdns/responder.hpp"
#include "runtime/mdns_sockets.hpp"

namespace linnet::runtime {

/// Gives addresses of this machine random names of multicast DNS, and answers for them on the address's own link as
/// long as they are wanted: one mdns::Responder for each link. One for all sessions of an executor, found by `at`;
/// lives as long as one of them holds it. On its executor.
class MdnsPublisher : public MdnsSockets::User, public std::enable_shared_from_this<MdnsPublisher> {
  struct Key {};

 public:
  /// Somebody else has the name that was given. Calls nothing foreign; may publish anew.
  using OnLost = std::function<void(const std::string& name)>;

  static constexpr std::size_t max_names = 8'192;  ///< On each link.
  /// RFC 6762 section 8.1: of more conflicts within ten seconds each next name has to wait. Random names have no
  /// conflicts, so that is a malicious neighbour.
  static constexpr std::size_t max_conflicts = 15;

  [[nodiscard]] static std::shared_ptr<MdnsPublisher> at(const boost::asio::any_io_executor& executor);

  MdnsPublisher(Key, boost::asio::any_io_executor executor);
  MdnsPublisher(const MdnsPublisher&) = delete;
  MdnsPublisher& operator=(const MdnsPublisher&) = delete;
  ~MdnsPublisher() override { abandon(); }

  /// A name that hides the address, which the interface with index `link` has. Where there is no multicast nobody can
  /// resolve it. Empty: there are too many names already, and nobody would answer for another one.
  [[nodiscard]] std::optional<std::string> publish(const IpAddress& address, std::uint32_t link, OnLost lost);
  /// Says goodbye.
  void withdraw(const std::string& name);
  void abandon();

  [[nodiscard]] std::size_t names() const noexcept { return names_.size(); }

 private:
  struct Name {
    std::uint32_t link = 0;
    OnLost lost;
  };

  void handle_packet(TimePoint now, const MdnsPacket& packet) override;
  void handle_timeout(TimePoint now) override;
  [[nodiscard]] TimePoint next_timeout() const override;
  void flush(TimePoint now) override;
  void send(TimePoint now);
  void tell_lost(const std::string& name);
  void take_conflict(TimePoint now, const std::string& name);
  void leave_unused();

  boost::asio::any_io_executor executor_;
  crypto::SystemGenerator generator_;
  std::shared_ptr<MdnsSockets> sockets_;
  std::map<std::uint32_t, mdns::Responder> links_;
  std::unordered_map<std::string, Name> names_;
  std::deque<TimePoint> conflicts_;                             ///< When the last ones were, at most `max_conflicts`.
  std::deque<std::pair<TimePoint, std::string>> told_later_{};  ///< Lost names, in order of time.
};

}  // namespace linnet::runtime
