#pragma once

#include <memory>

#include "linnet/core/generator.hpp"

struct ossl_lib_ctx_st;

namespace linnet::crypto {

/// Which OpenSSL library context keys, certificates and handshakes live in: a cheap shared handle.
/// It decides where OpenSSL takes its randomness from, and nothing else.
class LibraryContext {
 public:
  /// The process-wide context of OpenSSL: real randomness. Also what a default-constructed one is.
  [[nodiscard]] static LibraryContext system() noexcept { return LibraryContext{}; }
  /// A context of its own whose randomness comes from `generator` alone, so that key generation, ECDSA nonces
  /// and handshakes repeat byte for byte. For tests and simulation only. `generator` must outlive the context
  /// and all that was made in it; like the generator, the context is for one thread at a time.
  [[nodiscard]] static LibraryContext seeded(Generator& generator);

  LibraryContext() noexcept = default;

  [[nodiscard]] ossl_lib_ctx_st* native() const noexcept { return context_.get(); }
  friend bool operator==(const LibraryContext&, const LibraryContext&) noexcept = default;

 private:
  std::shared_ptr<ossl_lib_ctx_st> context_;
};

}  // namespace linnet::crypto
