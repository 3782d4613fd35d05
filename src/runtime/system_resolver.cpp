#include "runtime/system_resolver.hpp"

#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "runtime/shared_by_executor.hpp"

namespace linnet::runtime {

namespace asio = boost::asio;

namespace {

/// The threads of the process that look names up; each lives as long as there are names to take. Nobody waits for them.
class Threads {
 public:
  using Task = std::move_only_function<void()>;

  /// Never destroyed: a thread may be in the system's resolver when the process ends.
  static Threads& instance() {
    static Threads& all = *new Threads;
    return all;
  }

  void run(Task task) {
    {
      const std::scoped_lock lock{mutex_};
      waiting_.push_back(std::move(task));
      if (running_ == SystemResolver::max_threads) return;
      ++running_;
    }
    try {
      std::thread{[this] { work(); }}.detach();
    } catch (const std::system_error&) {
      work();  // Without threads the name is worth the wait.
    }
  }

 private:
  void work() {
    for (;;) {
      Task task;
      {
        const std::scoped_lock lock{mutex_};
        if (waiting_.empty()) {
          --running_;
          return;
        }
        task = std::move(waiting_.front());
        waiting_.pop_front();
      }
      task();
    }
  }

  std::mutex mutex_;
  std::deque<Task> waiting_;
  std::size_t running_ = 0;
};

}  // namespace

/// What a thread needs to answer, as long as there is somebody. Locked: the context may end meanwhile.
struct SystemResolver::Owner {
  std::mutex mutex;
  std::optional<asio::any_io_executor> executor;

  [[nodiscard]] bool gone() {
    const std::scoped_lock lock{mutex};
    return !executor;
  }
  void answer(std::weak_ptr<SystemResolver> resolver, Id id, std::vector<IpAddress> addresses) {
    const std::scoped_lock lock{mutex};
    if (!executor) return;
    asio::post(*executor, [weak = std::move(resolver), id, addresses = std::move(addresses)]() mutable {
      if (const auto self = weak.lock()) self->answered(id, std::move(addresses));
    });
  }
};

std::shared_ptr<SystemResolver> SystemResolver::at(const asio::any_io_executor& executor, LookUp look_up) {
  auto& resolvers = SharedByExecutor<SystemResolver>::of(executor);
  if (auto known = resolvers.find(executor)) return known;
  auto resolver = std::make_shared<SystemResolver>(Key{}, executor, std::move(look_up));
  resolvers.add(executor, resolver);
  return resolver;
}

SystemResolver::SystemResolver(Key, asio::any_io_executor executor, LookUp look_up)
    : executor_(std::move(executor)), look_up_(std::move(look_up)), owner_(std::make_shared<Owner>()) {
  owner_->executor = executor_;
}

SystemResolver::Id SystemResolver::resolve(std::string host, Answer answer) {
  const Id id = next_++;
  questions_.emplace(id,
                     Question{std::move(answer), asio::prefer(executor_, asio::execution::outstanding_work.tracked)});
  Threads::instance().run(
      [owner = owner_, weak = weak_from_this(), look_up = look_up_, id, host = std::move(host)]() mutable {
        if (!owner->gone()) owner->answer(std::move(weak), id, look_up(host));
      });
  return id;
}

void SystemResolver::answered(Id id, std::vector<IpAddress> addresses) {
  auto question = questions_.extract(id);
  if (!question.empty()) question.mapped().answer(std::move(addresses));
}

void SystemResolver::abandon() {
  {
    const std::scoped_lock lock{owner_->mutex};
    owner_->executor.reset();
  }
  questions_.clear();
}

}  // namespace linnet::runtime
