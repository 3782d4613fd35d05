#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/interfaces.hpp"
#include "linnet/core/address.hpp"
#include "linnet/core/session.hpp"
#include "mdns/resolver.hpp"
#include "runtime/mdns_sockets.hpp"

namespace linnet::runtime {

/// Drives an mdns::Resolver on the links that a session may use: the sockets are used only while a question is under
/// way. Owned by NameLookup, on whose executor it lives.
class MdnsClient : public MdnsSockets::User, public std::enable_shared_from_this<MdnsClient> {
 public:
  using Answer = std::move_only_function<void(ResolveId, std::vector<IpAddress>)>;

  MdnsClient(boost::asio::any_io_executor executor, Generator& generator, io::HostAddressPolicy policy, Answer answer);

  void query(ResolveId id, const std::string& host);
  void close();

 private:
  void handle_packet(TimePoint now, const MdnsPacket& packet) override;
  void handle_timeout(TimePoint now) override { resolver_.handle_timeout(now); }
  [[nodiscard]] TimePoint next_timeout() const override { return resolver_.next_timeout(); }
  void flush(TimePoint now) override;
  void send(TimePoint now);
  void leave();

  boost::asio::any_io_executor executor_;
  mdns::Resolver resolver_;
  io::HostAddressPolicy policy_;
  Answer answer_;
  std::shared_ptr<MdnsSockets> sockets_;  ///< Null: nothing is asked.
  std::vector<std::uint32_t> links_;      ///< Where it has asked.
};

}  // namespace linnet::runtime
