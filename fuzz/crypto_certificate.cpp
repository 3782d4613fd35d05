// Any text as a certificate and its key in PEM form: what is read is written and read again as the same certificate
// with a fingerprint that matches it; what is refused leaves nothing in OpenSSL's queue of errors.
#include <openssl/err.h>

#include <array>
#include <span>

#include "check.hpp"
#include "crypto/certificate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace linnet;
  const auto context = crypto::LibraryContext::system();
  const auto text = text_of(data, size);
  const auto certificate = crypto::Certificate::from_pem(context, text, text);
  require(ERR_peek_error() == 0);
  if (!certificate) {
    const ErrorName name = certificate.error().name;
    require(name == ErrorName::SyntaxError || name == ErrorName::InvalidAccessError);
    return 0;
  }
  require(*certificate && !certificate->der().empty());
  const auto again = crypto::Certificate::from_pem(context, certificate->pem(), certificate->private_key_pem());
  require(again && *again == *certificate && again->expires() == certificate->expires());
  const std::array fingerprints{certificate->fingerprint()};
  require(crypto::matches(fingerprints, certificate->der()));
  return 0;
}
