#include "runtime/name_lookup.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace linnet::runtime {

namespace asio = boost::asio;

NameLookup::NameLookup(asio::any_io_executor executor, Generator& generator, io::HostAddressPolicy policy,
                       Answer answer)
    : executor_(std::move(executor)),
      generator_(generator),
      policy_(std::move(policy)),
      answer_(std::make_shared<Answer>(std::move(answer))) {}

NameLookup::~NameLookup() { close(); }

void NameLookup::start(const Session::Resolve& question) {
  if (question.mdns) {
    if (!mdns_) {
      mdns_ = std::make_shared<MdnsClient>(
          executor_, generator_, policy_,
          [executor = executor_, weak = std::weak_ptr{answer_}](ResolveId id, std::vector<IpAddress> addresses) {
            asio::post(executor, [weak, id, addresses = std::move(addresses)] {
              if (const auto answer = weak.lock()) (*answer)(id, addresses);
            });
          });
    }
    mdns_->query(question.id, question.host);
    return;
  }
  if (!dns_) dns_ = SystemResolver::at(executor_);
  asked_.push_back(dns_->resolve(
      question.host, [weak = std::weak_ptr{answer_}, id = question.id](const std::vector<IpAddress>& addresses) {
        if (const auto answer = weak.lock()) (*answer)(id, addresses);
      }));
}

void NameLookup::close() {
  answer_.reset();
  for (const SystemResolver::Id id : asked_) dns_->cancel(id);
  asked_.clear();
  if (mdns_) mdns_->close();
  mdns_.reset();
}

}  // namespace linnet::runtime
