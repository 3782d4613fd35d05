#include <openssl/rand.h>

#include <array>
#include <new>
#include <string_view>

#include "commands.hpp"

namespace linnet::app {

std::string random_room() {
  constexpr std::string_view alphabet = "23456789abcdefghijkmnpqrstuvwxyz";  // 32 characters, without 0 o 1 l
  static_assert(alphabet.size() == 32);
  std::array<unsigned char, 10> random{};
  if (RAND_bytes(random.data(), random.size()) != 1) throw std::bad_alloc{};
  std::string room;
  for (const auto byte : random) {
    if (room.size() == 5) room += '-';
    room += alphabet[byte % 32];
  }
  return room;
}

}  // namespace linnet::app
