// Two peers in one process: what signaling carries from one to the other is here a function call.
// Prints what the peers say to each other, and ends.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>

#include "linnet/linnet.hpp"

namespace asio = boost::asio;

namespace {

// The caller makes the offer, the other answers it.
asio::awaitable<void> negotiate(linnet::PeerConnection& caller, linnet::PeerConnection& callee) {
  co_await caller.set_local_description();
  co_await callee.set_remote_description(*caller.local_description());
  co_await callee.set_local_description();
  co_await caller.set_remote_description(*callee.local_description());
}

// Each peer tells the other the addresses where it may be reached.
void pass_candidates(linnet::PeerConnection& from, linnet::PeerConnection& to) {
  from.on_ice_candidate = [&to](const linnet::IceCandidateEvent& event) -> asio::awaitable<void> {
    if (event.candidate) co_await to.add_ice_candidate(*event.candidate);
  };
}

asio::awaitable<void> talk() {
  auto executor = co_await asio::this_coro::executor;
  linnet::PeerConnection ann{executor};
  linnet::PeerConnection bob{executor};
  pass_candidates(ann, bob);
  pass_candidates(bob, ann);

  ann.on_negotiation_needed = [&] { return negotiate(ann, bob); };
  ann.on_connection_state_change = [](linnet::PeerConnectionState state) {
    std::cout << "ann is " << to_string(state) << '\n';
  };
  bob.on_data_channel = [](const linnet::DataChannelEvent& event) {
    event.channel.on_message = [channel = event.channel](const linnet::MessageEvent& message) {
      std::cout << "bob heard: " << message.text() << '\n';
      channel.send("hello, ann");
    };
  };

  linnet::DataChannel chat = ann.create_data_channel("chat");
  co_await chat.on_open.next();
  chat.send("hello, bob");
  auto answer = co_await chat.receive();
  std::cout << "ann heard: " << answer.value().text() << '\n';
}

}  // namespace

int main() {
  asio::io_context io;
  asio::co_spawn(io, talk(), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  io.run();
}
