#include "runtime/network_watch.hpp"

#include <chrono>
#include <utility>

#include "runtime/shared_by_executor.hpp"

namespace linnet::runtime {

std::shared_ptr<NetworkWatch> NetworkWatch::at(const boost::asio::any_io_executor& executor) {
  auto& watches = SharedByExecutor<NetworkWatch>::of(executor);
  if (auto known = watches.find(executor)) return known;
  auto monitor = io::AddressMonitor::open();
  if (!monitor) return nullptr;
  auto watch = std::make_shared<NetworkWatch>(Key{}, executor, std::move(*monitor));
  watches.add(executor, watch);
  watch->wait();
  return watch;
}

NetworkWatch::NetworkWatch(Key, const boost::asio::any_io_executor& executor, io::AddressMonitor monitor)
    : monitor_(executor, std::move(monitor)), settle_(executor) {}

NetworkWatch::Id NetworkWatch::add(std::function<void()> changed) {
  subscribers_.emplace(next_id_, std::move(changed));
  return next_id_++;
}

void NetworkWatch::wait() {
  monitor_.wait(decltype(monitor_)::Wait::wait_read, [weak = weak_from_this()](boost::system::error_code error) {
    const auto self = weak.lock();
    if (error || !self) return;
    constexpr auto quiet = std::chrono::milliseconds{50};
    if (self->monitor_->read() && !std::exchange(self->settling_, true)) {
      self->settle_.expires_after(quiet);
      self->settle_.async_wait([weak](boost::system::error_code cancelled) {
        const auto watch = weak.lock();
        if (!cancelled && watch) watch->tell();
      });
    }
    self->wait();
  });
}

void NetworkWatch::tell() {
  settling_ = false;
  for (const auto& [id, changed] : subscribers_) changed();
}

}  // namespace linnet::runtime
