#include "linnet/runtime.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <thread>
#include <vector>

namespace linnet {

class Runtime::Impl {
 public:
  explicit Impl(std::size_t threads) : contexts_(threads) {
    for (auto& context : contexts_) {
      work_.push_back(boost::asio::make_work_guard(context.io));
      threads_.emplace_back([&io = context.io] { io.run(); });
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    for (auto& context : contexts_) context.io.stop();
    join();
  }

  Executor executor() {
    return contexts_[next_.fetch_add(1, std::memory_order_relaxed) % contexts_.size()].io.get_executor();
  }
  [[nodiscard]] std::size_t size() const noexcept { return contexts_.size(); }
  void join() {
    work_.clear();
    for (auto& thread : threads_)
      if (thread.joinable()) thread.join();
  }

 private:
  struct Context {
    boost::asio::io_context io{1};  // One thread: Asio leaves most of its locking out.
  };
  std::deque<Context> contexts_;
  std::vector<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> next_ = 0;
};

Runtime::Runtime(std::size_t threads)
    : impl_(std::make_unique<Impl>(threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency()))) {}
Runtime::~Runtime() = default;
Executor Runtime::executor() { return impl_->executor(); }
std::size_t Runtime::size() const noexcept { return impl_->size(); }
void Runtime::join() { impl_->join(); }

}  // namespace linnet
