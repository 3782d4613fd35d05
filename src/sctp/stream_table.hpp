#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "sctp/types.hpp"

namespace linnet::sctp {

/// What is kept for each stream that was used: found by its identifier in constant time, in small pages that exist
/// only while one of their streams is in use. `T` is small and its default is the state of an unused stream.
template <class T>
class StreamTable {
 public:
  static constexpr std::size_t page_size = 16;

  [[nodiscard]] T* find(StreamId id) noexcept {
    Page* const page = page_of(id);
    return page != nullptr && (page->used & bit(id)) != 0 ? &page->entries[slot_of(id)] : nullptr;
  }
  [[nodiscard]] const T* find(StreamId id) const noexcept { return const_cast<StreamTable*>(this)->find(id); }

  /// The entry, made if there was none.
  [[nodiscard]] T& get(StreamId id) {
    const std::size_t number = number_of(id);
    if (number >= pages_.size()) pages_.resize(number + 1);
    if (!pages_[number]) pages_[number] = std::make_unique<Page>();
    Page& page = *pages_[number];
    if ((page.used & bit(id)) == 0) {
      page.used = static_cast<std::uint16_t>(page.used | bit(id));
      ++size_;
    }
    return page.entries[slot_of(id)];
  }
  void erase(StreamId id) noexcept {
    T* const entry = find(id);
    if (entry == nullptr) return;
    *entry = T{};
    Page* const page = page_of(id);
    page->used = static_cast<std::uint16_t>(page->used & ~bit(id));
    if (page->used == 0) pages_[number_of(id)].reset();
    if (--size_ == 0) pages_ = Pages{};
  }
  void clear() noexcept {
    pages_ = Pages{};
    size_ = 0;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// `visit(id, entry)` for each; it may erase the entry that it is given.
  template <class Visitor>
  void for_each(Visitor visit) {
    for (std::size_t number = 0; number < pages_.size(); ++number) {
      for (unsigned left = pages_[number] ? pages_[number]->used : 0U; left != 0; left &= left - 1) {
        const auto at = static_cast<std::size_t>(std::countr_zero(left));
        visit(id_of(number, at), pages_[number]->entries[at]);
      }
    }
  }

 private:
  struct Page {
    std::uint16_t used = 0;
    std::array<T, page_size> entries{};
  };
  using Pages = std::vector<std::unique_ptr<Page>>;  // `= {}` would keep its memory
  static_assert(page_size == 16, "one bit of Page::used for each entry");

  // Even and odd identifiers have pages of their own: each side of a connection opens channels on one kind (RFC 8832
  // section 6), and often only one side does.
  [[nodiscard]] static std::size_t number_of(StreamId id) noexcept {
    return id.value() / (2 * page_size) * 2 + id.value() % 2;
  }
  [[nodiscard]] static std::size_t slot_of(StreamId id) noexcept { return id.value() / 2 % page_size; }
  [[nodiscard]] static StreamId id_of(std::size_t number, std::size_t slot) noexcept {
    return StreamId{static_cast<std::uint16_t>(number / 2 * (2 * page_size) + slot * 2 + number % 2)};
  }
  [[nodiscard]] static unsigned bit(StreamId id) noexcept { return 1U << slot_of(id); }
  [[nodiscard]] Page* page_of(StreamId id) const noexcept {
    const std::size_t number = number_of(id);
    return number < pages_.size() ? pages_[number].get() : nullptr;
  }

  Pages pages_;
  std::size_t size_ = 0;
};

}  // namespace linnet::sctp
