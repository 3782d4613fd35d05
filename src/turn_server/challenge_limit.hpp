#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "linnet/core/address.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/core/time.hpp"

namespace linnet::turn_server {

/// How many answers go to an address that has proved nothing: it may be somebody's who never asked. Memory is fixed:
/// addresses may share a place in the table, which places nobody can foresee.
class ChallengeLimit {
 public:
  ChallengeLimit(std::size_t per_second, Generator& generator);

  [[nodiscard]] bool take(TimePoint now, const IpAddress& to) noexcept;

 private:
  struct Place {
    std::int64_t second = 0;  ///< Which one is counted.
    std::size_t count = 0;
  };
  std::size_t per_second_;
  std::uint64_t key_ = 0;
  std::array<Place, 1'024> places_{};
};

}  // namespace linnet::turn_server
