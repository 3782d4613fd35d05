#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/interfaces.hpp"
#include "linnet/core/session.hpp"
#include "runtime/mdns_client.hpp"
#include "runtime/system_resolver.hpp"

namespace linnet::runtime {

/// Answers a session's Resolve events: the system's resolver or multicast DNS. Owned by the Host.
class NameLookup {
 public:
  using Answer = std::function<void(ResolveId, const std::vector<IpAddress>&)>;

  /// Multicast DNS asks on what `policy` lets in. `answer` is called on the executor, never inside `start`, and never
  /// after close().
  NameLookup(boost::asio::any_io_executor executor, Generator& generator, io::HostAddressPolicy policy, Answer answer);
  ~NameLookup();
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;

  void start(const Session::Resolve& question);
  void close();

 private:
  boost::asio::any_io_executor executor_;
  Generator& generator_;
  io::HostAddressPolicy policy_;
  std::shared_ptr<Answer> answer_;  ///< Shared with what is under way; empty after close().
  std::shared_ptr<SystemResolver> dns_;
  std::vector<SystemResolver::Id> asked_;  ///< Of `dns_`.
  std::shared_ptr<MdnsClient> mdns_;
};

}  // namespace linnet::runtime
