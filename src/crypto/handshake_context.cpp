#include "crypto/handshake_context.hpp"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace linnet::crypto {
namespace {

/// Of one kind of algorithm, those that a DTLS 1.2 handshake may use.
struct Chosen {
  int operation;
  std::vector<std::string_view> names;
  std::vector<OSSL_ALGORITHM> algorithms;  // as OpenSSL wants it: the last entry is empty
};

/// A provider inside this program (provider(7)) that shows a part of the default provider's algorithms as its own.
struct Part {
  OSSL_PROVIDER* whole = nullptr;
  std::vector<Chosen> chosen{
      {OSSL_OP_DIGEST, {"SHA1", "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512", "MD5"}, {}},
      {OSSL_OP_CIPHER, {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"}, {}},
      {OSSL_OP_MAC, {"HMAC"}, {}},
      {OSSL_OP_KDF, {"TLS1-PRF"}, {}},
      {OSSL_OP_KEYMGMT, {"EC", "RSA", "RSA-PSS", "ED25519", "ED448", "X25519"}, {}},
      {OSSL_OP_KEYEXCH, {"ECDH", "X25519"}, {}},
      {OSSL_OP_SIGNATURE, {"ECDSA", "RSA", "ED25519", "ED448"}, {}},
      // Of a certificate's public key; "DER" is the step before that.
      {OSSL_OP_DECODER, {"EC", "RSA", "RSA-PSS", "ED25519", "ED448", "DER"}, {}},
  };
};

// One for the process: OpenSSL gives a provider's functions the default provider's data, which has no room for ours.
Part& part() {
  static Part* const only = new Part;  // Never freed: a handshake may end after exit() began.
  return *only;
}

/// The names of one algorithm stand in a row, "EC:id-ecPublicKey:1.2.840.10045.2.1".
bool has_name(std::string_view names, std::string_view name) {
  for (std::size_t at = 0; at <= names.size();) {
    const std::size_t end = std::min(names.find(':', at), names.size());
    if (names.substr(at, end - at) == name) return true;
    at = end + 1;
  }
  return false;
}

bool is_wanted(const Chosen& chosen, const OSSL_ALGORITHM& algorithm) {
  const std::string_view properties{algorithm.property_definition};
  return std::ranges::any_of(chosen.names, [&](auto name) { return has_name(algorithm.algorithm_names, name); }) &&
         (chosen.operation != OSSL_OP_DECODER || properties.find("SubjectPublicKeyInfo") != properties.npos);
}

void choose(OSSL_PROVIDER* provider, Chosen& chosen) {
  int no_cache = 0;
  const OSSL_ALGORITHM* all = OSSL_PROVIDER_query_operation(provider, chosen.operation, &no_cache);
  for (; all != nullptr && all->algorithm_names != nullptr; ++all)
    if (is_wanted(chosen, *all)) chosen.algorithms.push_back(*all);
  chosen.algorithms.push_back({});
}

const OSSL_ALGORITHM* query(void*, int operation, int* no_cache) {
  *no_cache = 0;
  // Where the seeds of random numbers come from is not chosen here.
  if (operation == OSSL_OP_RAND) return OSSL_PROVIDER_query_operation(part().whole, operation, no_cache);
  const auto found = std::ranges::find(part().chosen, operation, &Chosen::operation);
  return found != part().chosen.end() ? found->algorithms.data() : nullptr;
}

int get_capabilities(void*, const char* capability, OSSL_CALLBACK* callback, void* argument) {
  return OSSL_PROVIDER_get_capabilities(part().whole, capability, callback, argument);
}

int initialise(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** out, void** provider) {
  static const OSSL_DISPATCH functions[] = {
      {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<void (*)()>(query)},
      {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, reinterpret_cast<void (*)()>(get_capabilities)},
      {0, nullptr},
  };
  *provider = OSSL_PROVIDER_get0_provider_ctx(part().whole);
  *out = functions;
  return 1;
}

/// Whether OpenSSL's own context has the default provider, and at most what adds to it.
bool is_standard() {
  bool other = false;
  const auto look = [](OSSL_PROVIDER* provider, void* found) {
    const std::string_view name{OSSL_PROVIDER_get0_name(provider)};
    if (name != "default" && name != "base" && name != "legacy") *static_cast<bool*>(found) = true;
    return 1;
  };
  return OSSL_PROVIDER_available(nullptr, "default") == 1 && OSSL_PROVIDER_do_all(nullptr, look, &other) == 1 &&
         !other && EVP_default_properties_is_fips_enabled(nullptr) == 0;
}

OSSL_LIB_CTX* make() {
  if (!is_standard()) return nullptr;
  part().whole = OSSL_PROVIDER_try_load(nullptr, "default", 1);
  OSSL_LIB_CTX* context = part().whole != nullptr ? OSSL_LIB_CTX_new() : nullptr;
  if (context == nullptr) return nullptr;
  for (Chosen& each : part().chosen) choose(part().whole, each);
  if (OSSL_PROVIDER_add_builtin(context, "linnet-handshake", initialise) == 1 &&
      OSSL_PROVIDER_load(context, "linnet-handshake") != nullptr) {
    return context;
  }
  OSSL_LIB_CTX_free(context);
  return nullptr;
}

}  // namespace

ossl_lib_ctx_st* handshake_context() noexcept {
  static OSSL_LIB_CTX* const context = [] {
    OSSL_LIB_CTX* const made = make();
    ERR_clear_error();
    return made;
  }();
  return context;
}

}  // namespace linnet::crypto
