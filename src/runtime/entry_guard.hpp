#pragma once

#include <atomic>
#include <cassert>
#include <thread>

namespace linnet::runtime {

/// Asserts in debug builds that no two threads are inside one object at the same time. One thread may enter again.
class EntryGuard {
 public:
  class [[maybe_unused]] Scope {
   public:
#ifdef NDEBUG
    explicit Scope(EntryGuard&) noexcept {}
#else
    explicit Scope(EntryGuard& guard) noexcept : guard_(guard) {
      std::thread::id nobody{};
      outermost_ = guard_.inside_.compare_exchange_strong(nobody, std::this_thread::get_id());
      assert((outermost_ || nobody == std::this_thread::get_id()) && "two threads use one connection at once");
    }
    ~Scope() {
      if (outermost_) guard_.inside_.store({});
    }
#endif
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

#ifndef NDEBUG
   private:
    EntryGuard& guard_;
    bool outermost_ = false;
#endif
  };

#ifndef NDEBUG
 private:
  std::atomic<std::thread::id> inside_{};
#endif
};

}  // namespace linnet::runtime
