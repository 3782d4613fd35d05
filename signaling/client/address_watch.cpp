#include "client/address_watch.hpp"

#include <chrono>
#include <utility>

#include "io/interfaces.hpp"

namespace linnet::signaling {

namespace asio = boost::asio;

std::shared_ptr<AddressWatch> AddressWatch::start(const asio::any_io_executor& executor,
                                                  std::function<void()> changed) {
  auto monitor = io::AddressMonitor::open();
  if (!monitor) return nullptr;
  auto watch = std::make_shared<AddressWatch>(Key{}, executor, std::move(*monitor), std::move(changed));
  watch->wait();
  return watch;
}

AddressWatch::AddressWatch(Key, const asio::any_io_executor& executor, io::AddressMonitor monitor,
                           std::function<void()> changed)
    : monitor_(std::move(monitor)),
      descriptor_(executor, monitor_.native_handle()),
      settle_(executor),
      changed_(std::move(changed)) {}

void AddressWatch::stop() {
  if (descriptor_.is_open()) (void)descriptor_.release();
  settle_.cancel();
  changed_ = nullptr;
}

void AddressWatch::wait() {
  descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                         [weak = weak_from_this()](boost::system::error_code error) {
                           const auto self = weak.lock();
                           if (error || !self || !self->descriptor_.is_open()) return;
                           if (self->monitor_.read()) self->settle();
                           self->wait();
                         });
}

void AddressWatch::settle() {
  if (std::exchange(settling_, true)) return;
  constexpr auto quiet = std::chrono::milliseconds{50};
  settle_.expires_after(quiet);
  settle_.async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
    const auto self = weak.lock();
    if (cancelled || !self) return;
    self->settling_ = false;
    if (self->changed_) self->changed_();
  });
}

bool is_gone(const IpAddress& local) {
  const IpAddress address = local.unmapped();
  if (address.is_unspecified() || address.is_loopback()) return false;
  const auto all = io::interfaces();
  return io::is_lost(address, all, io::host_addresses(all, {}));
}

}  // namespace linnet::signaling
