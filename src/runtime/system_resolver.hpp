#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/look_up.hpp"
#include "linnet/core/address.hpp"

namespace linnet::runtime {

/// Asks the system's resolver without blocking. That cannot be called off, and takes many seconds when a name server is
/// silent: so each name has a thread of its own, and who is not interested any more is not kept by it. (Asio's resolver
/// has one thread for all names, and its context waits for that.) One for all users of an executor, found by `at`; on
/// that executor.
class SystemResolver : public std::enable_shared_from_this<SystemResolver> {
  struct Key {};
  struct Owner;

 public:
  /// Of the whole process; more wait for one of these.
  static constexpr std::size_t max_threads = 16;

  using Id = std::uint64_t;
  using Answer = std::move_only_function<void(std::vector<IpAddress>)>;
  /// Blocks; called on any thread.
  using LookUp = std::function<std::vector<IpAddress>(const std::string& host)>;

  [[nodiscard]] static std::shared_ptr<SystemResolver> at(const boost::asio::any_io_executor& executor,
                                                          LookUp look_up = &io::look_up);

  SystemResolver(Key, boost::asio::any_io_executor executor, LookUp look_up);
  SystemResolver(const SystemResolver&) = delete;
  SystemResolver& operator=(const SystemResolver&) = delete;
  ~SystemResolver() { abandon(); }

  /// `answer` is called on the executor, never inside `resolve`; with no address when there is none. Until then the
  /// execution context has work.
  Id resolve(std::string host, Answer answer);
  /// The answer is not called any more.
  void cancel(Id id) { questions_.erase(id); }
  void abandon();

 private:
  struct Question {
    Answer answer;
    boost::asio::any_io_executor work;  ///< Tracked.
  };

  void answered(Id id, std::vector<IpAddress> addresses);

  boost::asio::any_io_executor executor_;
  LookUp look_up_;
  std::shared_ptr<Owner> owner_;
  std::map<Id, Question> questions_;
  Id next_ = 1;
};

}  // namespace linnet::runtime
