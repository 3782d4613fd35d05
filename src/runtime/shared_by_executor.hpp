#pragma once

#include <algorithm>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace linnet::runtime {

/// The objects of type T that connections of one executor share, by a number. A service of the execution context, which
/// calls `abandon` of those that are left when it ends. Locked: executors of one context may run on different threads;
/// only making a connection comes here, no packet does.
template <class T>
class SharedByExecutor : public boost::asio::execution_context::service {
 public:
  using key_type = SharedByExecutor;
  static inline boost::asio::execution_context::id id;  // Asio tells services apart by the addresses of these.

  explicit SharedByExecutor(boost::asio::execution_context& context) : service(context) {}

  [[nodiscard]] static SharedByExecutor& of(const boost::asio::any_io_executor& executor) {
    return boost::asio::use_service<SharedByExecutor>(boost::asio::query(executor, boost::asio::execution::context));
  }

  [[nodiscard]] std::shared_ptr<T> find(const boost::asio::any_io_executor& executor, std::uint32_t number = 0) {
    const std::scoped_lock lock{mutex_};
    std::erase_if(entries_, [](const Entry& entry) { return entry.object.expired(); });
    for (const Entry& entry : entries_) {
      if (entry.number == number && entry.executor == executor) return entry.object.lock();
    }
    return nullptr;
  }
  void add(const boost::asio::any_io_executor& executor, const std::shared_ptr<T>& object, std::uint32_t number = 0) {
    const std::scoped_lock lock{mutex_};
    entries_.push_back({executor, number, object});
  }

 private:
  struct Entry {
    boost::asio::any_io_executor executor;
    std::uint32_t number;
    std::weak_ptr<T> object;
  };

  void shutdown() override {
    for (const Entry& entry : std::exchange(entries_, {})) {
      if (const auto object = entry.object.lock()) object->abandon();
    }
  }

  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace linnet::runtime
