#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "transport/transport.hpp"

// Datagrams of every kind at a transport before, while and after it has a peer: it counts or drops them, answers in
// bounded steps, and is silent after close.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace linnet;
  if (size < 1) return 0;
  static SeededGenerator made{1};
  static const crypto::LibraryContext context = crypto::LibraryContext::system();
  static const crypto::Certificate certificate =
      crypto::Certificate::generate(context, made, std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}).value();
  SeededGenerator generator{2};
  transport::Options options;
  options.dtls.context = context;
  options.dtls.certificate = certificate;
  transport::Transport transport{options, generator};
  const Path path{.local = {IpAddress::v4({192, 0, 2, 1}), 1}, .remote = {IpAddress::v4({192, 0, 2, 2}), 2}};
  TimePoint now{};

  const unsigned state = data[0] % 4;
  if (state >= 1) {
    transport.ice().set_role(now, IceRole::Controlled);
    transport.ice().gather(now);
    transport.ice().add_socket(now, {.local = path.local});
    transport.ice().sockets_done(now);
  }
  if (state >= 2) {
    transport.start(now, {.role = state == 2 ? dtls::Role::Server : dtls::Role::Client,
                          .fingerprints = {certificate.fingerprint()}});
  }
  DatagramBatch batch;
  const auto drain = [&] {
    for (int i = 0; transport.poll_transmit(now, batch) == Progress::More; ++i) {
      if (i > 1'000) std::abort();
      batch.clear();
    }
    batch.clear();
    while (transport.poll_event()) {
    }
  };
  // Datagrams are length-prefixed by one byte; 255 fires the timer instead.
  for (std::size_t at = 1; at < size;) {
    const std::size_t length = data[at++];
    if (length == 255) {
      if (transport.next_timeout() != never) now = std::max(now, transport.next_timeout());
      transport.handle_timeout(now);
    } else {
      const std::size_t take = std::min(length, size - at);
      std::vector<std::byte> bytes(take);
      for (std::size_t i = 0; i < take; ++i) bytes[i] = static_cast<std::byte>(data[at + i]);
      at += take;
      transport.handle_datagram({.at = now, .path = path, .bytes = bytes});
    }
    drain();
  }
  transport.close(now);
  drain();
  for (int i = 0; transport.next_timeout() != never; ++i) {
    if (i > 10'000) std::abort();
    now = std::max(now, transport.next_timeout());
    transport.handle_timeout(now);
    drain();
  }
  if (transport.poll_event()) std::abort();
  return 0;
}
