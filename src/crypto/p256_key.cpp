// OpenSSL 3 would rather have EVP_PKEY_generate. But a key that was made so is put into a certificate by encoding and
// decoding it with whatever coders the providers turn out to have, for which OpenSSL looks at all of them each time:
// that takes five times as long as making the key. One that was made here goes in as it is; the price is the second
// copy that OpenSSL keeps for its providers, 2 KB of memory.
#define OPENSSL_SUPPRESS_DEPRECATED  // NOLINT(cppcoreguidelines-macro-usage): OpenSSL's headers ask for it

#include "crypto/p256_key.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>

namespace linnet::crypto {
#ifndef OPENSSL_NO_DEPRECATED_3_0
namespace {

/// A key without a value. Copying what OpenSSL has computed for the curve takes a tenth of computing it anew.
EC_KEY* empty_key(const LibraryContext& context) {
  if (context != LibraryContext::system())
    return EC_KEY_new_by_curve_name_ex(context.native(), nullptr, NID_X9_62_prime256v1);
  // Never freed: a key may be made after exit() began. Nobody changes it.
  static const EC_GROUP* const curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  EC_KEY* const key = EC_KEY_new();
  if (curve != nullptr && key != nullptr && EC_KEY_set_group(key, curve) == 1) return key;
  EC_KEY_free(key);
  return nullptr;
}

}  // namespace
#endif

evp_pkey_st* generate_p256_key(const LibraryContext& context) {
#ifdef OPENSSL_NO_DEPRECATED_3_0
  return EVP_PKEY_Q_keygen(context.native(), nullptr, "EC", "P-256");
#else
  EC_KEY* ec = empty_key(context);
  EVP_PKEY* key = EVP_PKEY_new();
  if (ec != nullptr && key != nullptr && EC_KEY_generate_key(ec) == 1 && EVP_PKEY_assign_EC_KEY(key, ec) == 1) {
    return key;
  }
  EC_KEY_free(ec);
  EVP_PKEY_free(key);
  return nullptr;
#endif
}

}  // namespace linnet::crypto
