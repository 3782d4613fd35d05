// One step of the packet path, or a connection's setting up, a fixed number of times, inside a function that callgrind
// can be told to count:
//   valgrind --tool=callgrind --toggle-collect=measured_pack bench_instructions pack
// Prints "times N". bench/compare/instructions.py divides.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "crypto/certificate.hpp"
#include "crypto/system_generator.hpp"
#include "dtls/connection.hpp"
#include "linnet/core/session.hpp"
#include "sctp/association/association.hpp"
#include "sctp/packet/chunk.hpp"
#include "sctp/packet/packet_writer.hpp"

using namespace linnet;
using namespace std::chrono_literals;

namespace {

using Packet = std::array<std::byte, 1'500>;
constexpr std::size_t datagram = 1'200;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "bench_instructions: %s\n", what);
  std::exit(1);
}

/// Two associations in one thread; `pack` and `sack` let the counted functions stand in for the plain calls.
struct Associations {
  Associations() {
    a.connect(now);
    while (carry(a, b) | carry(b, a)) {
    }
  }
  bool carry(sctp::Association& from, sctp::Association& to) {
    Packet packet;
    bool any = false;
    while (const std::size_t size = from.poll_packet(now, packet)) {
      to.handle_packet(now, std::span(packet).first(size));
      any = true;
    }
    return any;
  }
  void read() {
    while (a.poll_event()) {
    }
    while (b.poll_event()) {
    }
    while (const auto message = b.receive(sctp::StreamId{1})) received += message->payload.size();
  }
  SeededGenerator generator{1};
  sctp::Association a{{}, generator};
  sctp::Association b{{}, generator};
  TimePoint now{1s};
  std::size_t received = 0;
};

/// A connected DTLS client and server.
struct Dtls {
  Dtls() : client(options(0), random), server(options(1), random) {
    client.start({}, dtls::Role::Client);
    server.start({}, dtls::Role::Server);
    client.set_remote_fingerprints({certificates[1].fingerprint()});
    server.set_remote_fingerprints({certificates[0].fingerprint()});
    Packet packet;
    for (int i = 0; i < 4; ++i) {
      while (const std::size_t n = client.poll_packet({}, packet)) server.handle_packet({}, std::span{packet}.first(n));
      while (const std::size_t n = server.poll_packet({}, packet)) client.handle_packet({}, std::span{packet}.first(n));
    }
    if (!server.connected()) fail("DTLS is not connected");
  }
  dtls::Options options(std::size_t i) {
    certificates[i] = crypto::Certificate::generate({}, random, std::chrono::sys_seconds{1'790'000'000s}).value();
    return {.certificate = certificates[i]};
  }
  crypto::SystemGenerator random;
  crypto::Certificate certificates[2];
  dtls::Connection client;
  dtls::Connection server;
};

struct End {
  End(Generator& generator, const char* address) : local{*IpAddress::parse(address), 5'000} {
    auto made =
        Session::create({}, {}, {.generator = generator, .wall_clock = std::chrono::sys_seconds{1'790'000'000s}});
    if (!made) fail("no session");
    session = std::move(*made);
  }
  Endpoint local;
  std::unique_ptr<Session> session;
  DatagramBatch batch;
  bool announced = false;
  std::size_t received = 0;
};

/// Two sessions with a channel between them, in one thread's memory.
struct Sessions {
  Sessions() {
    channel = a.session->create_data_channel(now, "bench").value();
    (void)a.session->set_local_description(now);
    (void)b.session->set_remote_description(now, a.session->local_description().value());
    (void)b.session->set_local_description(now);
    (void)a.session->set_remote_description(now, b.session->local_description().value());
    for (int i = 0; i < 5'000 && !ready(); ++i) turn(1ms);
    if (!ready()) fail("the sessions do not connect");
  }
  bool ready() const { return b.announced && a.session->ready_state(channel) == DataChannelState::Open; }
  void turn(Duration time) {
    carry(a, b);
    carry(b, a);
    now += time;
  }
  void carry(End& from, End& to) {
    if (from.session->next_timeout() <= now) from.session->handle_timeout(now);
    events(from, to);
    from.batch.clear();
    (void)from.session->poll_transmit(now, from.batch);
    for (const DatagramBatch::Run& run : from.batch.runs()) {
      // The reader decrypts in place: the batch is ours.
      auto* bytes = const_cast<std::byte*>(run.bytes.data());
      for (std::size_t at = 0; at < run.bytes.size(); at += run.segment_size)
        to.session->handle_datagram({.at = now,
                                     .path = {.local = run.path.remote, .remote = run.path.local},
                                     .bytes = {bytes + at, std::min(run.segment_size, run.bytes.size() - at)}});
    }
    events(to, from);
  }
  void events(End& self, End& other) {
    while (const auto event = self.session->poll_event()) {
      if (std::holds_alternative<Session::NeedSockets>(*event)) {
        self.session->add_socket(now, {.local = self.local});
        self.session->sockets_done(now);
      } else if (const auto* found = std::get_if<Session::IceCandidateFound>(&*event)) {
        if (found->candidate) (void)other.session->add_ice_candidate(now, IceCandidateInit(*found->candidate));
      } else if (std::holds_alternative<Session::DataChannelAnnounced>(*event)) {
        self.announced = true;
      } else if (const auto* message = std::get_if<Session::ChannelMessageReady>(&*event)) {
        while (const auto data = self.session->receive(message->channel)) self.received += data->data.size();
      }
    }
  }
  crypto::SystemGenerator generator;
  TimePoint now{1s};
  End a{generator, "192.0.2.1"};
  End b{generator, "192.0.2.2"};
  ChannelId channel{};
};

}  // namespace

// Names without C++'s mangling, as they are written: no copy for one caller's constants, nothing inlined. That is how
// callgrind finds them.
#ifdef __clang__
#define MEASURED [[gnu::noinline]]
#else
#define MEASURED [[gnu::noipa]]
#endif
extern "C" {
MEASURED std::size_t measured_pack(sctp::Association& from, TimePoint now, Packet& packet);
MEASURED void measured_sack(sctp::Association& to, TimePoint now, std::span<std::byte> packet);
MEASURED std::size_t measured_parse(std::span<const std::byte> packet);
MEASURED std::size_t measured_seal(dtls::Connection& connection, std::span<std::byte> record, std::size_t size);
MEASURED std::size_t measured_open(dtls::Connection& connection, std::span<std::byte> record);
MEASURED void measured_sctp_megabyte(Associations& pair, std::span<const std::byte> message);
MEASURED void measured_session_megabyte(Sessions& pair, std::span<const std::byte> message);
MEASURED void measured_session_setup();
}

namespace {

/// Keeps what follows a call in its place: a function that ends by jumping into another is not seen to return.
void stay() { asm volatile("" ::: "memory"); }

}  // namespace

std::size_t measured_pack(sctp::Association& from, TimePoint now, Packet& packet) {
  const std::size_t size = from.poll_packet(now, packet);
  stay();
  return size;
}
void measured_sack(sctp::Association& to, TimePoint now, std::span<std::byte> packet) {
  to.handle_packet(now, packet);
  stay();
}
std::size_t measured_parse(std::span<const std::byte> packet) {
  std::size_t payload = 0;
  const auto parsed = sctp::PacketView::parse(packet);
  for (const sctp::ChunkView chunk : *parsed)
    if (const auto data = sctp::DataChunk::parse(chunk)) payload += data->payload.size();
  return payload;
}
std::size_t measured_seal(dtls::Connection& connection, std::span<std::byte> record, std::size_t size) {
  const std::size_t sealed = connection.seal(record, size);
  stay();
  return sealed;
}
std::size_t measured_open(dtls::Connection& connection, std::span<std::byte> record) {
  const std::size_t opened = connection.handle_packet({}, record).size();
  stay();
  return opened;
}

void measured_sctp_megabyte(Associations& pair, std::span<const std::byte> message) {
  const std::size_t end = pair.received + 1'000'000;
  for (std::size_t sent = 0; sent < 1'000'000; sent += message.size())
    (void)pair.a.send(pair.now, sctp::StreamId{1}, sctp::Ppid{53}, message);
  for (int turns = 0; pair.received < end && turns < 100'000; ++turns) {
    pair.carry(pair.a, pair.b);
    pair.now += 50us;
    if (pair.b.next_timeout() <= pair.now) pair.b.handle_timeout(pair.now);
    if (pair.a.next_timeout() <= pair.now) pair.a.handle_timeout(pair.now);
    pair.carry(pair.b, pair.a);
    pair.read();
  }
}

void measured_session_megabyte(Sessions& pair, std::span<const std::byte> message) {
  const std::size_t end = pair.b.received + 1'000'000;
  for (std::size_t sent = 0; sent < 1'000'000; sent += message.size())
    (void)pair.a.session->send(pair.now, pair.channel, message);
  for (int turns = 0; pair.b.received < end && turns < 100'000; ++turns) pair.turn(50us);
}

void measured_session_setup() {
  const Sessions pair;
  stay();
}

namespace {

/// Full packets one way, their SACKs the other; both directions' packets pass through the counted functions.
std::size_t packs_or_sacks(bool packs) {
  Associations pair;
  const std::vector<std::byte> message(65'536);
  Packet packet;
  std::size_t times = 0;
  while (times < 2'000) {
    while (pair.a.total_buffered() < 1'000'000) (void)pair.a.send(pair.now, sctp::StreamId{1}, sctp::Ppid{53}, message);
    // A burst, so that a SACK acknowledges as many as the runtime reads at once.
    for (int i = 0; i < 64; ++i) {
      const std::size_t size = measured_pack(pair.a, pair.now, packet);
      if (size == 0) break;
      if (packs) ++times;
      pair.b.handle_packet(pair.now, std::span(packet).first(size));
    }
    pair.now += 50us;
    if (pair.a.next_timeout() <= pair.now) pair.a.handle_timeout(pair.now);
    if (pair.b.next_timeout() <= pair.now) pair.b.handle_timeout(pair.now);
    while (const std::size_t size = pair.b.poll_packet(pair.now, packet)) {
      measured_sack(pair.a, pair.now, std::span(packet).first(size));
      if (!packs) ++times;
    }
    pair.read();
  }
  return times;
}

std::size_t parses() {
  std::array<std::byte, datagram> out;
  sctp::PacketWriter writer(out, {.source_port = 5'000, .destination_port = 5'000, .verification_tag = 1});
  writer.data({.tsn = sctp::Tsn{1}, .begin = true, .end = true}, std::vector<std::byte>(datagram - 40));
  const std::size_t size = writer.finish();
  for (int i = 0; i < 2'000; ++i)
    if (measured_parse(std::span<const std::byte>(out).first(size)) == 0) fail("not parsed");
  return 2'000;
}

std::size_t records() {
  Dtls pair;
  std::vector<std::byte> record(datagram + pair.client.overhead());
  for (int i = 0; i < 2'000; ++i) {
    const std::size_t size = measured_seal(pair.client, record, datagram);
    if (size == 0 || measured_open(pair.server, std::span{record}.first(size)) != 1) fail("not opened");
  }
  return 2'000;
}

/// The windows open on the way; the mean of some megabytes is what a transfer costs.
std::size_t sctp_megabytes() {
  Associations pair;
  const std::vector<std::byte> message(50'000);
  constexpr std::size_t times = 4;
  for (std::size_t i = 0; i < times; ++i) measured_sctp_megabyte(pair, message);
  if (pair.received != times * 1'000'000) fail("not all arrived");
  return times;
}

std::size_t session_megabytes() {
  Sessions pair;
  const std::vector<std::byte> message(50'000);
  constexpr std::size_t times = 4;
  for (std::size_t i = 0; i < times; ++i) measured_session_megabyte(pair, message);
  if (pair.b.received != times * 1'000'000) fail("not all arrived");
  return times;
}

std::size_t session_setups() {
  {
    const Sessions first;
  }  // OpenSSL makes what all connections of the process share.
  constexpr std::size_t times = 10;
  for (std::size_t i = 0; i < times; ++i) measured_session_setup();
  return times;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  std::size_t times = 0;
  if (what == "pack" || what == "sack") times = packs_or_sacks(what == "pack");
  if (what == "parse") times = parses();
  if (what == "seal" || what == "open") times = records();
  if (what == "sctp_megabyte") times = sctp_megabytes();
  if (what == "session_megabyte") times = session_megabytes();
  if (what == "session_setup") times = session_setups();
  if (times == 0) fail("one of pack, sack, parse, seal, open, sctp_megabyte, session_megabyte, session_setup");
  std::printf("times %zu\n", times);
}
