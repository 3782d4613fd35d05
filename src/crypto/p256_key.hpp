#pragma once

#include "crypto/library_context.hpp"

struct evp_pkey_st;

namespace linnet::crypto {

/// A fresh ECDSA P-256 key with randomness from `context`, which outlives it; the caller's to free. Null only when
/// OpenSSL fails. Used by Certificate.
[[nodiscard]] evp_pkey_st* generate_p256_key(const LibraryContext& context);

}  // namespace linnet::crypto
