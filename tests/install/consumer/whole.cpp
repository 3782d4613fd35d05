// linnet::linnet and linnet::signaling from outside: a server starts, a connection makes an offer.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <linnet/linnet.hpp>
#include <linnet/signaling/server.hpp>

namespace asio = boost::asio;

int main() {
  asio::io_context context;
  linnet::signaling::Server server{context.get_executor(), {.port = 0}};
  if (!server.start()) return EXIT_FAILURE;
  bool offered = false;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        linnet::PeerConnection pc{context};
        pc.create_data_channel("chat");
        const auto offer = co_await pc.create_offer();
        offered = offer.sdp.find("webrtc-datachannel") != std::string::npos;
        server.stop();
      },
      asio::detached);
  context.run();
  std::puts(offered ? "an offer was made" : "no offer");
  return offered ? EXIT_SUCCESS : EXIT_FAILURE;
}
