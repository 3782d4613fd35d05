#include "tests/fake_link.hpp"

namespace linnet::signaling {

std::shared_ptr<Link> Link::make(const Executor& executor, const Url&, const ClientOptions&) {
  ++FakeLink::count;
  return FakeLink::current = std::make_shared<FakeLink>(executor);
}

}  // namespace linnet::signaling
