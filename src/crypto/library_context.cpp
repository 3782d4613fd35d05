#include "crypto/library_context.hpp"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include <cassert>
#include <new>

namespace linnet::crypto {
namespace {

// A provider inside this program (provider(7)) with one algorithm, a random bit generator that hands out what the
// injected Generator gives. All its instances share that generator, so the order of requests alone decides.
constexpr const char* rand_name = "LINNET-SEEDED";

struct Provider {  // plain memory of OpenSSL's, zero at first
  Generator* generator;
};

template <class Function>
constexpr OSSL_DISPATCH entry(int id, Function* function) {
  return {id, reinterpret_cast<void (*)()>(function)};
}

void* new_context(void* provider, void*, const OSSL_DISPATCH*) { return provider; }
void free_context(void*) {}
int instantiate(void*, unsigned int, int, const unsigned char*, std::size_t, const OSSL_PARAM*) { return 1; }
int uninstantiate(void*) { return 1; }
int generate(void* context, unsigned char* out, std::size_t size, unsigned int, int, const unsigned char*,
             std::size_t) {
  static_cast<Provider*>(context)->generator->fill(std::as_writable_bytes(std::span{out, size}));
  return 1;
}
int enable_locking(void*) { return 1; }
int lock(void*) { return 1; }
void unlock(void*) {}
int get_params(void*, OSSL_PARAM params[]) {
  if (OSSL_PARAM* p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STATE); p != nullptr) {
    if (OSSL_PARAM_set_int(p, EVP_RAND_STATE_READY) != 1) return 0;
  }
  if (OSSL_PARAM* p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STRENGTH); p != nullptr) {
    if (OSSL_PARAM_set_uint(p, 256) != 1) return 0;
  }
  if (OSSL_PARAM* p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_MAX_REQUEST); p != nullptr) {
    if (OSSL_PARAM_set_size_t(p, std::size_t{1} << 16) != 1) return 0;
  }
  return 1;
}
const OSSL_PARAM* gettable(void*, void*) {
  static const OSSL_PARAM list[] = {OSSL_PARAM_int(OSSL_RAND_PARAM_STATE, nullptr),
                                    OSSL_PARAM_uint(OSSL_RAND_PARAM_STRENGTH, nullptr),
                                    OSSL_PARAM_size_t(OSSL_RAND_PARAM_MAX_REQUEST, nullptr), OSSL_PARAM_END};
  return list;
}

const OSSL_ALGORITHM* query(void*, int operation, int* no_cache) {
  static const OSSL_DISPATCH functions[] = {
      entry(OSSL_FUNC_RAND_NEWCTX, new_context),
      entry(OSSL_FUNC_RAND_FREECTX, free_context),
      entry(OSSL_FUNC_RAND_INSTANTIATE, instantiate),
      entry(OSSL_FUNC_RAND_UNINSTANTIATE, uninstantiate),
      entry(OSSL_FUNC_RAND_GENERATE, generate),
      entry(OSSL_FUNC_RAND_ENABLE_LOCKING, enable_locking),
      entry(OSSL_FUNC_RAND_LOCK, lock),
      entry(OSSL_FUNC_RAND_UNLOCK, unlock),
      entry(OSSL_FUNC_RAND_GETTABLE_CTX_PARAMS, gettable),
      entry(OSSL_FUNC_RAND_GET_CTX_PARAMS, get_params),
      {0, nullptr},
  };
  static const OSSL_ALGORITHM algorithms[] = {{rand_name, "provider=linnet", functions, nullptr},
                                              {nullptr, nullptr, nullptr, nullptr}};
  *no_cache = 0;
  return operation == OSSL_OP_RAND ? algorithms : nullptr;
}

void teardown(void* provider) { OPENSSL_free(provider); }

int initialise(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** out, void** provider) {
  static const OSSL_DISPATCH functions[] = {
      entry(OSSL_FUNC_PROVIDER_TEARDOWN, teardown),
      entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
      {0, nullptr},
  };
  *provider = OPENSSL_zalloc(sizeof(Provider));
  *out = functions;
  return *provider != nullptr ? 1 : 0;
}

}  // namespace

LibraryContext LibraryContext::seeded(Generator& generator) {
  OSSL_LIB_CTX* context = OSSL_LIB_CTX_new();
  if (context == nullptr) throw std::bad_alloc{};
  struct Parts {
    OSSL_LIB_CTX* context;
    OSSL_PROVIDER* standard;
    OSSL_PROVIDER* ours;
  };
  [[maybe_unused]] int ok = OSSL_PROVIDER_add_builtin(context, "linnet", initialise);
  assert(ok == 1);
  const Parts parts{context, OSSL_PROVIDER_load(context, "default"), OSSL_PROVIDER_load(context, "linnet")};
  assert(parts.standard != nullptr && parts.ours != nullptr);
  static_cast<Provider*>(OSSL_PROVIDER_get0_provider_ctx(parts.ours))->generator = &generator;
  ok = RAND_set_DRBG_type(context, rand_name, "provider=linnet", nullptr, nullptr);
  assert(ok == 1);

  LibraryContext result;
  result.context_ = std::shared_ptr<ossl_lib_ctx_st>(context, [parts](OSSL_LIB_CTX*) {
    OSSL_PROVIDER_unload(parts.ours);
    OSSL_PROVIDER_unload(parts.standard);
    OSSL_LIB_CTX_free(parts.context);
  });
  return result;
}

}  // namespace linnet::crypto
