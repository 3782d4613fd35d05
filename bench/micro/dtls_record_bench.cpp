#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <vector>

#include "crypto/certificate.hpp"
#include "crypto/system_generator.hpp"
#include "dtls/connection.hpp"

// Our DTLS records against AES-128-GCM through OpenSSL's EVP alone, in place; bytes are those of the payload.
namespace linnet::dtls {
namespace {

/// A connected client and server.
struct Connected {
  Connected() : client(options(0), random), server(options(1), random) {
    client.start({}, Role::Client);
    server.start({}, Role::Server);
    client.set_remote_fingerprints({certificates[1].fingerprint()});
    server.set_remote_fingerprints({certificates[0].fingerprint()});
    std::array<std::byte, 1'500> packet;
    for (int i = 0; i < 4; ++i) {
      while (const std::size_t n = client.poll_packet({}, packet)) server.handle_packet({}, std::span{packet}.first(n));
      while (const std::size_t n = server.poll_packet({}, packet)) client.handle_packet({}, std::span{packet}.first(n));
    }
  }
  Options options(std::size_t i) {
    const std::chrono::sys_seconds now{std::chrono::seconds{1'790'000'000}};
    certificates[i] = crypto::Certificate::generate({}, random, now).value();
    return {.certificate = certificates[i]};
  }
  crypto::SystemGenerator random;
  crypto::Certificate certificates[2];
  Connection client;
  Connection server;
};

void seal_record(benchmark::State& state) {
  Connected pair;
  const auto size = static_cast<std::size_t>(state.range(0));
  std::vector<std::byte> record(size + pair.client.overhead());
  for (auto _ : state) {
    if (pair.client.seal(record, size) == 0) state.SkipWithError("not connected");
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(seal_record)->Arg(1'200)->Arg(16'384);

void seal_and_open_record(benchmark::State& state) {
  Connected pair;
  const auto size = static_cast<std::size_t>(state.range(0));
  std::vector<std::byte> record(size + pair.client.overhead());
  for (auto _ : state) {
    const std::size_t n = pair.client.seal(record, size);
    if (pair.server.handle_packet({}, std::span{record}.first(n)).size() != 1) state.SkipWithError("not opened");
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(seal_and_open_record)->Arg(1'200)->Arg(16'384);

void seal_raw(benchmark::State& state) {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  std::array<unsigned char, 16> key{};
  std::array<unsigned char, 12> nonce{};
  std::array<unsigned char, 13> additional{};
  std::array<unsigned char, 16> tag{};
  std::vector<unsigned char> text(static_cast<std::size_t>(state.range(0)));
  EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nullptr, key.data(), nullptr);
  int n = 0;
  for (auto _ : state) {
    ++nonce[0];
    EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data());
    EVP_EncryptUpdate(context, nullptr, &n, additional.data(), 13);
    EVP_EncryptUpdate(context, text.data(), &n, text.data(), static_cast<int>(text.size()));
    EVP_EncryptFinal_ex(context, tag.data(), &n);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
  EVP_CIPHER_CTX_free(context);
}
BENCHMARK(seal_raw)->Arg(1'200)->Arg(16'384);

/// Both handshakes of a pair, without a network.
void handshake(benchmark::State& state) {
  for (auto _ : state) {
    Connected pair;
    if (!pair.server.connected()) state.SkipWithError("not connected");
  }
}
BENCHMARK(handshake);

}  // namespace
}  // namespace linnet::dtls
