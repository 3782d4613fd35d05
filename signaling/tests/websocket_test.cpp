// The server against WebSocket clients that are no clients of ours: frames made by hand over a plain socket.
#include <gmock/gmock.h>

#include <array>
#include <boost/asio/read_until.hpp>
#include <span>

#include "server/origin.hpp"
#include "tests/loopback.hpp"

namespace linnet::signaling {
namespace {

namespace asio = boost::asio;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// RFC 6455 section 5.2; the masking key is zero, which leaves the payload as it is.
std::string frame(unsigned opcode, const std::string& payload, bool last = true) {
  std::string out(1, static_cast<char>((last ? 0x80U : 0U) | opcode));
  const std::size_t size = payload.size();
  const auto byte = [size](unsigned shift) { return static_cast<char>((size >> shift) & 0xffU); };
  if (size < 126) {
    out.push_back(static_cast<char>(0x80U | size));
  } else if (size < 65'536) {
    out += {static_cast<char>(0xfe), byte(8), byte(0)};
  } else {
    out += {static_cast<char>(0xff), 0, 0, 0, 0, byte(24), byte(16), byte(8), byte(0)};
  }
  return out.append(4, '\0') + payload;
}
std::string text(const std::string& payload) { return frame(1, payload); }
const std::string close_frame = frame(8, "");

/// How the server's close frame begins.
std::string closed_with(std::uint16_t code, const std::string& reason) {
  std::string out = "\x88";
  out.push_back(static_cast<char>(reason.size() + 2));
  out.push_back(static_cast<char>(code >> 8U));
  out.push_back(static_cast<char>(code & 0xffU));
  return out + reason;
}

class WebSocket : public LoopbackTest {
 protected:
  static std::string upgrade(const std::string& more = "Host: localhost\r\n") {
    return "GET /v1/ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Protocol: linnet.1\r\n" +
           more + "\r\n";
  }
  /// Upgrades, sends the frames as they are, and reads until the server closes.
  std::string talk(const std::string& frames, const std::string& request = upgrade()) {
    std::string answer;
    run([&]() -> asio::awaitable<void> {
      asio::ip::tcp::socket socket(context);
      boost::system::error_code ec;
      co_await open(socket, request, answer);
      co_await asio::async_write(socket, asio::buffer(frames), asio::redirect_error(asio::use_awaitable, ec));
      co_await asio::async_read(socket, asio::dynamic_buffer(answer), asio::redirect_error(asio::use_awaitable, ec));
    });
    return answer;
  }
  /// The same, for what makes the server close: its close frame is waited for and answered, RFC 6455 section 5.5.1.
  std::string ended_by(const std::string& frames, std::uint16_t code, const std::string& reason) {
    std::string answer;
    run([&]() -> asio::awaitable<void> {
      asio::ip::tcp::socket socket(context);
      boost::system::error_code ec;
      co_await open(socket, upgrade(), answer);
      co_await asio::async_write(socket, asio::buffer(frames), asio::use_awaitable);
      const std::string end = closed_with(code, reason);
      co_await asio::async_read_until(socket, asio::dynamic_buffer(answer), end,
                                      asio::redirect_error(asio::use_awaitable, ec));
      co_await asio::async_write(socket, asio::buffer(close_frame), asio::redirect_error(asio::use_awaitable, ec));
      co_await asio::async_read(socket, asio::dynamic_buffer(answer), asio::redirect_error(asio::use_awaitable, ec));
      EXPECT_THAT(answer, HasSubstr(end));
    });
    return answer;
  }
  /// RFC 6455 section 4.1: frames may follow once the answer has come.
  asio::awaitable<void> open(asio::ip::tcp::socket& socket, const std::string& request, std::string& answer) {
    const asio::ip::tcp::endpoint where(asio::ip::address_v4::loopback(), server->port());
    co_await socket.async_connect(where, asio::use_awaitable);
    co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
    co_await asio::async_read_until(socket, asio::dynamic_buffer(answer), "\r\n\r\n", asio::use_awaitable);
  }
};

TEST_F(WebSocket, EndsAConnectionThatDoesNotSpeakTheProtocol) {
  start();
  for (const auto& frames : {text("garbage"), text("[]"), frame(2, R"({"type":"hello"})")}) {
    EXPECT_THAT(ended_by(frames, 4001, "bad_request"), HasSubstr(R"("code":"bad_request")"));
  }
  EXPECT_TRUE(until([&] { return server->connections() == 0; }));
}

TEST_F(WebSocket, SaysThatAMessageIsTooLargeWhetherInOneFrameOrInMany) {
  start();
  const auto too_large = HasSubstr(R"("code":"too_large")");
  EXPECT_THAT(ended_by(text(std::string(65'537, ' ')), 4001, "too_large"), too_large);
  EXPECT_TRUE(until([&] { return server->connections() == 0; }));
  std::string many = frame(1, std::string(30'000, ' '), false);
  for (int i = 0; i < 4; ++i) many += frame(0, std::string(30'000, ' '), i == 3);
  EXPECT_THAT(ended_by(many, 4001, "too_large"), too_large);
  EXPECT_TRUE(until([&] { return server->connections() == 0; }));
  // A length that no memory holds is refused before it comes.
  const std::string huge = std::string("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10) + std::string(4, '\0');
  EXPECT_THAT(ended_by(huge + std::string(70'000, ' '), 4001, "too_large"), too_large);
  EXPECT_TRUE(until([&] { return server->connections() == 0; }));
}

TEST_F(WebSocket, TakesAMessageInManyFramesWithAPingBetween) {
  start();
  const std::string answer = talk(frame(1, R"({"type":"hel)", false) + frame(9, "still there?") +
                                  frame(0, R"(lo","peer":"ann")", false) + frame(0, "}", true) + close_frame);
  EXPECT_THAT(answer, HasSubstr(R"("type":"ready","peer":"ann")"));
  EXPECT_THAT(answer, HasSubstr("still there?"));
}

TEST_F(WebSocket, TakesAMessageOfTheLargestSize) {
  start();
  std::string largest = R"({"type":"hello","peer":"ann"})";
  largest.append(65'536 - largest.size(), ' ');
  EXPECT_THAT(talk(text(largest) + close_frame), HasSubstr(R"("type":"ready")"));
}

TEST_F(WebSocket, EndsAConnectionThatNeverSaysHello) {
  start({.hello_timeout = std::chrono::milliseconds(50)});
  EXPECT_THAT(ended_by("", 4012, "idle"), HasSubstr(R"("type":"welcome")"));
}

TEST_F(WebSocket, DropsWhoDoesNotRead) {
  ServerOptions options;
  options.limits.max_queue_messages = 64;
  options.limits.messages_per_second = 1e6;
  options.limits.messages_burst = 1e6;
  start(options);
  bool dropped = false;
  run([&]() -> asio::awaitable<void> {
    std::string got;
    const auto join = [](const std::string& peer) {
      return text(R"({"type":"hello","peer":")" + peer + R"("})") + text(R"({"type":"join","room":"x"})");
    };
    asio::ip::tcp::socket slow(context), fast(context);
    slow.open(asio::ip::tcp::v4());
    slow.set_option(asio::socket_base::receive_buffer_size(4096));
    co_await open(slow, upgrade(), got);
    const std::string slow_joins = join("slow"), fast_joins = join("fast");
    co_await asio::async_write(slow, asio::buffer(slow_joins), asio::use_awaitable);
    co_await open(fast, upgrade(), got);
    co_await asio::async_write(fast, asio::buffer(fast_joins), asio::use_awaitable);
    const std::string flood = text(R"({"type":"message","to":"slow","data":")" + std::string(4000, 'x') + R"("})");
    // What the system's buffers take, megabytes perhaps, is not the server's; then its queue fills.
    for (int i = 0; i < 20'000 && !dropped; ++i) {
      co_await asio::async_write(fast, asio::buffer(flood), asio::use_awaitable);
      boost::system::error_code ec;
      std::array<char, 4096> chunk{};
      if (fast.available() > 0) got.append(chunk.data(), fast.read_some(asio::buffer(chunk), ec));
      dropped = got.find(R"("type":"peer-left")") != std::string::npos;
    }
  });
  EXPECT_TRUE(dropped);
  EXPECT_TRUE(until([&] { return server->connections() == 0; }));
}

TEST_F(WebSocket, RefusesANameThatIsNotThisMachines) {
  start({.allowed_origins = {"https://friend.example"}});
  const auto with_host = [&](const std::string& host, const std::string& more = {}) {
    return talk(close_frame, upgrade("Host: " + host + "\r\n" + more));
  };
  // DNS rebinding: the page's own name leads here, so that Origin equals Host.
  EXPECT_THAT(with_host("evil.example:8080", "Origin: http://evil.example:8080\r\n"), StartsWith("HTTP/1.1 421"));
  EXPECT_THAT(raw("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"), StartsWith("HTTP/1.1 421"));
  for (const std::string host : {"localhost:8080", "127.0.0.1:8080", "[::1]:8080", "friend.example"}) {
    EXPECT_THAT(with_host(host), StartsWith("HTTP/1.1 101")) << host;
  }
  EXPECT_THAT(with_host("friend.example", "Origin: https://friend.example\r\n"), StartsWith("HTTP/1.1 101"));
  EXPECT_THAT(with_host("localhost", "Origin: http://evil.example\r\n"), StartsWith("HTTP/1.1 403"));
}

TEST(Host, IsJudgedOnlyByAServerThatListensOnLoopback) {
  const std::vector<std::string> friends{"https://Friend.example:8443/"};
  for (const std::string_view bind : {"127.0.0.1", "localhost", "::1"}) {
    for (const std::string_view host : {"localhost", "LOCALHOST.:80", "app.localhost:1", "127.0.0.53", "[::1]",
                                        "friend.example", "friend.example:8443", ""}) {
      EXPECT_TRUE(is_host_allowed(host, bind, friends)) << host;
    }
    for (const std::string_view host : {"evil.example", "127.evil.example", "localhost.evil.example", "[::2]:80", "[",
                                        ":80", "192.0.2.1", "friend.example.evil"}) {
      EXPECT_FALSE(is_host_allowed(host, bind, friends)) << host;
    }
  }
  EXPECT_TRUE(is_host_allowed("anything.example", "0.0.0.0", friends));
  const std::vector<std::string> everyone{"*"};
  EXPECT_TRUE(is_host_allowed("anything.example", "127.0.0.1", everyone));
}

TEST_F(WebSocket, ServesFilesThatAreBuiltIn) {
  const std::string_view page = "<p>built in</p>";
  const std::array<EmbeddedFile, 2> files{
      EmbeddedFile{.path = "/index.html", .content = std::as_bytes(std::span(page))},
      EmbeddedFile{.path = "/assets/app.js", .content = std::as_bytes(std::span(page))}};
  start({.embedded = files});
  const auto get = [&](const std::string& path) {
    return raw("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  };
  EXPECT_THAT(get("/"), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("<p>built in</p>")));
  EXPECT_THAT(get("/r/demo"), HasSubstr("<p>built in</p>"));
  EXPECT_THAT(get("/assets/app.js"), HasSubstr("text/javascript"));
  for (const std::string path : {"/assets", "/assets//app.js", "/assets/./app.js", "/assets/%2e%2e/index.html",
                                 "/assets%5capp.js", "/assets/app.js%00", "//index.html", "/etc/passwd"}) {
    EXPECT_THAT(get(path), AllOf(StartsWith("HTTP/1.1 404"), Not(HasSubstr("built in")))) << path;
  }
}

}  // namespace
}  // namespace linnet::signaling
