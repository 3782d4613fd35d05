#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>

#include "linnet/core/time.hpp"
#include "sctp/tx/out_message.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// A DATA chunk that got its TSN. There are tens of thousands of them on a long fat path, hence the narrow fields.
struct Fragment {
  enum class State : std::uint8_t { InFlight, Lost, Acked, Abandoned };

  OutMessage* message = nullptr;
  TimePoint sent_at{};  // the last time
  std::uint32_t offset = 0;
  std::uint32_t fsn = 0;
  Tsn before;  // neighbours in its FragmentList; itself at the ends
  Tsn after;
  // What DeliveryRate noted when it was sent; see there.
  std::uint32_t delivered = 0;
  std::uint32_t since_delivery = 0;
  std::uint32_t since_first_sent = 0;
  std::uint32_t in_flight = 0;
  std::uint16_t size = 0;           // 0: stands for the unsent rest of an abandoned message
  std::uint16_t transmissions = 0;  // stays at its highest value
  State state = State::InFlight;
  std::uint8_t episode = 0;  // the RecoveryEpisode that has still to learn whether this one was lost
  bool app_limited : 1 = false;
  bool begins_packet : 1 = false;
  bool taken_back : 1 = false;  // the peer reneged: `sent_at` is when it did
};
static_assert(sizeof(Fragment) <= 56);

/// Fragments in an order of their own, linked through their TSNs: the ring that they live in may move. Each fragment
/// is in one list at most. `At` finds the fragment of a TSN.
class FragmentList {
 public:
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] Tsn head() const noexcept { return head_; }
  [[nodiscard]] Tsn tail() const noexcept { return tail_; }
  void clear() noexcept { count_ = 0; }

  template <class At>
  void push_back(Tsn tsn, const At& at) noexcept {
    if (empty()) return first(tsn, at);
    insert_after(tail_, tsn, at);
  }
  template <class At>
  void push_front(Tsn tsn, const At& at) noexcept {
    if (empty()) return first(tsn, at);
    Fragment& fragment = at(tsn);
    fragment.before = tsn;
    fragment.after = head_;
    at(head_).before = tsn;
    head_ = tsn;
    ++count_;
  }
  template <class At>
  void insert_after(Tsn place, Tsn tsn, const At& at) noexcept {
    Fragment& fragment = at(tsn);
    Fragment& ahead = at(place);
    fragment.before = place;
    if (place == tail_) {
      fragment.after = tsn;
      tail_ = tsn;
    } else {
      fragment.after = ahead.after;
      at(ahead.after).before = tsn;
    }
    ahead.after = tsn;
    ++count_;
  }
  template <class At>
  void remove(Tsn tsn, const At& at) noexcept {
    assert(count_ != 0);
    const Fragment& fragment = at(tsn);
    --count_;
    if (count_ == 0) return;
    if (tsn == head_) {
      head_ = fragment.after;
      at(head_).before = head_;
    } else if (tsn == tail_) {
      tail_ = fragment.before;
      at(tail_).after = tail_;
    } else {
      at(fragment.before).after = fragment.after;
      at(fragment.after).before = fragment.before;
    }
  }

 private:
  template <class At>
  void first(Tsn tsn, const At& at) noexcept {
    Fragment& fragment = at(tsn);
    fragment.before = fragment.after = head_ = tail_ = tsn;
    count_ = 1;
  }
  Tsn head_;
  Tsn tail_;
  std::size_t count_ = 0;
};

}  // namespace linnet::sctp
