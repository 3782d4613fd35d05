#include "runtime/name_lookup.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "io/socket_address.hpp"

namespace linnet::runtime {

namespace asio = boost::asio;

NameLookup::NameLookup(asio::any_io_executor executor, Generator& generator, Answer answer)
    : executor_(std::move(executor)), generator_(generator), answer_(std::make_shared<Answer>(std::move(answer))) {}

NameLookup::~NameLookup() { close(); }

void NameLookup::start(const Session::Resolve& question) {
  if (question.mdns) {
    if (!mdns_) {
      mdns_ = std::make_shared<MdnsClient>(
          executor_, generator_,
          [executor = executor_, weak = std::weak_ptr{answer_}](ResolveId id, std::vector<IpAddress> addresses) {
            asio::post(executor, [weak, id, addresses = std::move(addresses)] {
              if (const auto answer = weak.lock()) (*answer)(id, addresses);
            });
          });
    }
    mdns_->query(question.id, question.host);
    return;
  }
  if (!dns_) dns_ = std::make_unique<asio::ip::udp::resolver>(executor_);
  dns_->async_resolve(question.host, "", asio::ip::resolver_base::flags{},
                      [weak = std::weak_ptr{answer_}, id = question.id](
                          boost::system::error_code error, const asio::ip::udp::resolver::results_type& results) {
                        const auto answer = weak.lock();
                        if (!answer) return;
                        std::vector<IpAddress> addresses;
                        if (!error)
                          for (const auto& entry : results)
                            if (const auto endpoint = io::from_system(entry.endpoint().data()))
                              addresses.push_back(endpoint->address);
                        (*answer)(id, addresses);
                      });
}

void NameLookup::close() {
  answer_.reset();
  if (dns_) dns_->cancel();
  if (mdns_) mdns_->close();
  mdns_.reset();
}

}  // namespace linnet::runtime
