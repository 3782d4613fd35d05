#include <array>
#include <chrono>
#include <span>

#include "crypto/certificate.hpp"
#include "dtls/connection.hpp"
#include "sim/laws_suite.hpp"

namespace linnet::sim {
namespace {

/// Two DTLS ends with seeded keys: B is the server.
struct DtlsFixture {
  using Machine = dtls::Connection;
  static constexpr std::uint64_t law_seeds = 4;
  static constexpr std::size_t hostile_inputs = 40'000;
  // OpenSSL's handshake object with its buffers, the kept early data, and what the reassembly of forged fragments
  // takes in OpenSSL.
  static constexpr std::int64_t memory_limit = std::int64_t{2} << 20;

  explicit DtlsFixture(Generator& generator)
      : random(generator),
        context(crypto::LibraryContext::seeded(generator)),
        certificates{make(), make()},
        ends{{options(0), generator}, {options(1), generator}} {}

  Machine& machine(Side side) { return ends[static_cast<std::size_t>(side)]; }
  void start(TimePoint now) {
    machine(Side::A).start(now, dtls::Role::Client);
    machine(Side::B).start(now, dtls::Role::Server);
    machine(Side::A).set_remote_fingerprints({certificates[1].fingerprint()});
    machine(Side::B).set_remote_fingerprints({certificates[0].fingerprint()});
  }
  bool ready() { return machine(Side::A).connected() && machine(Side::B).connected(); }
  void act(TimePoint, Side side, Generator& verbs) {
    Machine& m = machine(side);
    switch (verbs.below(4)) {
      case 0: m.set_round_trip_time(std::chrono::milliseconds{verbs.below(500)}); break;
      case 1: (void)m.take_early_data(); break;
      case 2: {
        std::array<std::byte, 200> record{};
        (void)m.seal(record, verbs.below(150));
        break;
      }
      default: {
        std::array<std::byte, 60> keys;
        (void)m.export_keying_material("EXTRACTOR-dtls_srtp", keys);
        break;
      }
    }
  }
  // Nothing is sent as application data, so whatever is delivered was forged.
  void on_payload(TimePoint, Side, std::span<const std::span<std::byte>> payloads) { EXPECT_TRUE(payloads.empty()); }
  void close(TimePoint now, Side side) { machine(side).close(now); }

  Generator& random;
  crypto::LibraryContext context;
  crypto::Certificate certificates[2];
  Machine ends[2];

 private:
  crypto::Certificate make() const {
    return crypto::Certificate::generate(context, random, std::chrono::sys_seconds{std::chrono::seconds{1'790'000'000}})
        .value();
  }
  dtls::Options options(std::size_t side) const { return {.context = context, .certificate = certificates[side]}; }
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(Dtls, SevenLaws, DtlsFixture);

}  // namespace linnet::sim
