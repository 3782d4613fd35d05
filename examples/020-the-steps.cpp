// The twelve steps of a WebRTC tutorial. Two peers, Ann and Bob, take the same steps and meet in a room of a signaling
// server: the one named on the command line (http://host:port), else one that lives in this very program.
// The numbers are the tutorial's. A listener stands before the step that makes it hear something.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>
#include <optional>
#include <string>

#include "linnet/linnet.hpp"
#include "linnet/signaling/client.hpp"
#include "linnet/signaling/server.hpp"

namespace asio = boost::asio;
using namespace linnet;

namespace {

asio::awaitable<void> take_the_steps(std::string url, std::string name) {
  auto executor = co_await asio::this_coro::executor;

  // 1. Connect to signaling.
  signaling::Client signaling{executor};
  co_await signaling.connect(url);

  // 2. Implement the send to signaling function.
  std::string peer;
  auto send_to_signaling = [&](signaling::SignalBody body) { signaling.send(peer, std::move(body)); };

  // 3. Create the RTC peer connection instance.
  PeerConnection pc{executor};

  // 4. Connection state change listener.
  pc.on_connection_state_change = [&](PeerConnectionState state) {
    std::cout << name << ": " << to_string(state) << '\n';
  };

  // 6. Listen for ICE candidates. (Without one, gathering is complete: the other side is told so, too.)
  pc.on_ice_candidate = [&](const IceCandidateEvent& event) {
    send_to_signaling(signaling::Candidate{event.candidate});
  };

  // 7. Listen for negotiation needed.
  pc.on_negotiation_needed = [&]() -> asio::awaitable<void> {
    co_await pc.set_local_description();
    send_to_signaling(*pc.local_description());
  };

  // 8. Handle signaling messages.
  signaling.on_signal = [&](const signaling::Signal& signal) -> asio::awaitable<void> {
    peer = signal.from;
    if (auto* description = std::get_if<SessionDescription>(&signal.body)) {
      co_await pc.set_remote_description(*description);
      if (description->type != SdpType::Offer) co_return;
      co_await pc.set_local_description();
      send_to_signaling(*pc.local_description());
    } else if (auto* candidate = std::get_if<signaling::Candidate>(&signal.body)) {
      co_await pc.add_ice_candidate(*candidate);
    }
  };

  // 11. Listen for the track event.
  pc.on_track = [&](const TrackEvent& event) { std::cout << name << ": a " << event.kind << " track\n"; };

  // 12. Implement the stream function. A stream is camera and microphone tracks given to pc.add_track(); tracks come
  // to linnet with media, and with them this line.

  // 5. Define the peer id: whoever is in the room already. The newcomer starts; the first one waits.
  auto room = co_await signaling.join("the-steps");
  const bool newcomer = !room.peers.empty();
  if (newcomer) peer = room.peers.front().peer;

  // 9. Define the RTC data channel: the newcomer makes it (which leads to step 7), the other is told of it.
  DataChannel channel;
  if (newcomer) {
    channel = pc.create_data_channel("chat");
  } else {
    auto event = co_await pc.on_data_channel.next();
    channel = event.channel;
  }

  // 10. Implement the send function.
  auto send = [&](std::string_view text) { channel.send(text); };

  co_await channel.writable();
  send("hello, this is " + name);
  auto message = co_await channel.receive();
  std::cout << name << " heard: " << message.value().text() << '\n';
}

asio::awaitable<void> meet(std::optional<std::string> url) {
  using namespace asio::experimental::awaitable_operators;
  auto executor = co_await asio::this_coro::executor;
  signaling::ServerOptions options;
  options.port = 0;
  signaling::Server server{executor, options};
  if (!url) {
    if (auto started = server.start(); !started) throw Exception{started.error()};
    url = server.url();
  }
  co_await (take_the_steps(*url, "Ann") && take_the_steps(*url, "Bob"));
  server.stop();
}

}  // namespace

int main(int argc, char** argv) {
  asio::io_context io;
  std::optional<std::string> url;
  if (argc > 1) url = argv[1];
  asio::co_spawn(io, meet(url), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  io.run();
}
