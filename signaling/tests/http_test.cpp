#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/loopback.hpp"

namespace linnet::signaling {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class Http : public LoopbackTest {
 protected:
  Http() {
    root = std::filesystem::temp_directory_path() / ("linnet-http-" + std::to_string(::getpid()));
    std::filesystem::create_directories(root / "web/assets");
    write("web/index.html", "<p>app</p>");
    write("web/assets/app.js", "let x;");
    write("web/.hidden", "no");
    write("secret", "top secret");
    std::filesystem::create_symlink(root / "secret", root / "web/link");
  }
  ~Http() override { std::filesystem::remove_all(root); }

  void write(const std::string& name, const std::string& text) { std::ofstream(root / name) << text; }
  void serve(ServerOptions options = {}) {
    options.web_root = (root / "web").string();
    start(options);
  }
  std::string get(const std::string& target, const std::string& method = "GET", const std::string& more = {}) {
    return raw(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + more + "Connection: close\r\n\r\n");
  }

  std::filesystem::path root;
};

TEST_F(Http, ServesTheAppItsFilesAndTheHealthCheck) {
  serve();
  for (const std::string target : {"/", "/r/some%20room", "/?x=1", "/index.html"}) {
    const std::string page = get(target);
    EXPECT_THAT(page, StartsWith("HTTP/1.1 200")) << target;
    EXPECT_THAT(page, HasSubstr("text/html; charset=utf-8"));
    EXPECT_THAT(page, HasSubstr("<p>app</p>"));
    EXPECT_THAT(page, HasSubstr("connect-src 'self' ws: wss:"));
    EXPECT_THAT(page, HasSubstr("X-Content-Type-Options: nosniff"));
    EXPECT_THAT(page, HasSubstr("Referrer-Policy: no-referrer"));
    EXPECT_THAT(page, HasSubstr("Cache-Control: no-cache"));
  }
  EXPECT_THAT(get("/assets/app.js"), HasSubstr("text/javascript"));
  EXPECT_THAT(get("/healthz"), HasSubstr("ok\n"));
}

TEST_F(Http, GivesNothingOutsideOfItsFolderAndNothingHidden) {
  serve();
  for (const std::string target :
       {"/../secret", "/%2e%2e/secret", "/assets/../../secret", "/assets/%2e%2e%2f%2e%2e%2fsecret", "/..%5csecret",
        "/.hidden", "/link", "//secret", "/assets", "/assets/", "/r/../secret", "/x%00", "/%", "/%zz"}) {
    const std::string answer = get(target);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 404")) << target;
    EXPECT_THAT(answer, Not(HasSubstr("top secret"))) << target;
  }
}

TEST_F(Http, AnswersHeadWithoutABodyAndOtherMethodsWith405) {
  serve();
  const std::string head = get("/", "HEAD");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 10"));
  EXPECT_THAT(head, Not(HasSubstr("app</p>")));
  EXPECT_THAT(get("/", "POST"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(get("/", "GET", "Content-Length: 5\r\n"), StartsWith("HTTP/1.1 413"));
}

TEST_F(Http, SavesSendingWhatTheBrowserHas) {
  serve();
  const std::string page = get("/");
  const std::size_t at = page.find("ETag: ") + 6;
  const std::string tag = page.substr(at, page.find("\r\n", at) - at);
  EXPECT_THAT(get("/", "GET", "If-None-Match: " + tag + "\r\n"), StartsWith("HTTP/1.1 304"));
}

TEST_F(Http, RefusesOversizedHeadersAndGarbage) {
  serve();
  EXPECT_THAT(get("/", "GET", "X: " + std::string(10'000, 'x') + "\r\n"), StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(raw("garbage\r\n\r\n"), StartsWith("HTTP/1.1 400"));
}

TEST_F(Http, CutsAClientThatNeverEndsItsRequest) {
  serve({.http_timeout = std::chrono::milliseconds(50)});
  EXPECT_EQ(raw("GET / HTTP/1.1\r\n"), "");
}

TEST_F(Http, RefusesTheUpgradeOfAForeignPage) {
  serve({.allowed_origins = {"https://friend.example"}});
  const auto upgrade = [&](const std::string& origin) {
    return raw(
        "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nOrigin: " +
        origin + "\r\n\r\n");
  };
  EXPECT_THAT(upgrade("https://evil.example"), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(upgrade("null"), StartsWith("HTTP/1.1 403"));
  // No subprotocol was offered: upgraded, told so, and closed.
  EXPECT_THAT(upgrade("https://friend.example"), HasSubstr("unsupported_version"));
  EXPECT_THAT(upgrade("http://localhost"), HasSubstr("unsupported_version"));
  EXPECT_THAT(get("/v1/ws"), StartsWith("HTTP/1.1 426"));
}

TEST_F(Http, SaysThatThePortIsTaken) {
  serve();
  Server second(context.get_executor(), {.port = server->port()});
  const auto result = second.start();
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("the port is taken"));
  Server wrong(context.get_executor(), {.bind_address = "nowhere"});
  EXPECT_FALSE(wrong.start());
}

}  // namespace
}  // namespace linnet::signaling
