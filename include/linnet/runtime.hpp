#pragma once

#include <cstddef>
#include <memory>

#include "linnet/detail/completion.hpp"

namespace linnet {

/// Extension, opt-in: a pool of threads that share nothing. Each runs an executor of its own; give each connection one
/// of them, and everything of that connection stays on that thread. Without it linnet makes no thread: your
/// io_context's is enough.
///
///     linnet::Runtime runtime{4};
///     linnet::PeerConnection pc{runtime.executor()};
///
/// Owned by the application; must outlive the connections that use it. Thread safety: distinct objects: safe; shared
/// objects: safe, except join().
class Runtime {
 public:
  /// Starts `threads` threads; 0 takes as many as the machine has processors.
  explicit Runtime(std::size_t threads = 0);
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  ~Runtime();  ///< Stops the threads; what was not flushed is lost (close the connections, then join()).

  /// The next thread's executor, round robin.
  [[nodiscard]] Executor executor();
  [[nodiscard]] std::size_t size() const noexcept;
  /// Waits until the threads have nothing left to do: every connection is closed and flushed. Not from one of them.
  void join();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace linnet
