#pragma once

struct ossl_lib_ctx_st;

namespace linnet::crypto {

/// OpenSSL's library context for the handshakes of this process that use real randomness: what the default provider
/// has, but of keys and their decoders only what a DTLS handshake may meet. To read the key of a certificate, OpenSSL 3
/// walks several times over all decoders that there are, which takes longer than to verify a signature by that key.
/// Made when first used, never freed, safe from any thread. Null, which is OpenSSL's own context, where the program or
/// openssl.cnf has chosen other providers than the default one (FIPS, a hardware token): that choice goes on to rule.
/// Certificates and private keys need not live in it.
[[nodiscard]] ossl_lib_ctx_st* handshake_context() noexcept;

}  // namespace linnet::crypto
