// Any text as a=fingerprint's value: what is read is within its limits, is written and read again as the same, and
// matches a certificate only if it is that certificate's hash.
#include <algorithm>
#include <array>
#include <span>

#include "check.hpp"
#include "crypto/fingerprint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace linnet::crypto;
  const auto fingerprint = Fingerprint::parse(text_of(data, size));
  if (!fingerprint) return 0;
  require(!fingerprint->value.empty() && fingerprint->value.size() <= 64);
  require(!fingerprint->algorithm.empty() && fingerprint->algorithm.size() <= 32);
  require(std::ranges::none_of(fingerprint->algorithm, [](char c) { return (c >= 'A' && c <= 'Z') || c <= ' '; }));
  require(Fingerprint::parse(to_string(*fingerprint)) == fingerprint);
  require(Fingerprint::parse(fingerprint->algorithm, fingerprint->value_text()) == fingerprint);

  constexpr std::array certificate{std::byte{'d'}, std::byte{'e'}, std::byte{'r'}};
  const bool is_its_hash = std::ranges::any_of(std::array{Hash::Sha256, Hash::Sha384, Hash::Sha512}, [&](Hash hash) {
    return fingerprint->algorithm == textual_name(hash) &&
           std::ranges::equal(fingerprint->value, linnet::crypto::hash(hash, certificate).bytes());
  });
  require(matches(std::span{&*fingerprint, 1}, certificate) == is_its_hash);
  return 0;
}
