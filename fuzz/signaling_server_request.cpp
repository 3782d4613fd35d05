// Any bytes as an HTTP request to the signaling server: nothing but the page's files is given away, every answer has
// its strict headers, and a loopback server answers to loopback names only.
#include <stdlib.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "check.hpp"
#include "server/http_reply.hpp"
#include "server/origin.hpp"

using namespace linnet::signaling;
namespace fs = std::filesystem;
namespace http = boost::beast::http;

namespace {

/// A folder to serve, with what must not be served in it, behind a link and beside it.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "linnet-fuzz-XXXXXX").string();
    require(::mkdtemp(name.data()) != nullptr);
    base_ = name;
    fs::create_directories(base_ / "web/assets");
    fs::create_directories(base_ / "web/.git");
    write("web/index.html", "page");
    write("web/assets/app.js", "script");
    for (const auto* hidden : {"web/.git/config", "web/.env", "secret"}) write(hidden, "secret");
    fs::create_symlink("../secret", base_ / "web/link");
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(base_, ignored);
  }
  [[nodiscard]] std::string root() const { return (base_ / "web").string(); }

 private:
  void write(const char* name, const char* content) const { std::ofstream{base_ / name} << content; }
  fs::path base_;
};

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

void check_host_and_origin(std::string_view host, std::string_view origin) {
  const std::string name = lower(host);
  if (!host.empty() && is_host_allowed(host, "127.0.0.1", {}))
    require(name.find("localhost") != std::string::npos || name.starts_with("127.") || name.starts_with("[::1]"));
  if (origin.empty() || !is_origin_allowed(origin, host, {})) return;
  const std::string page = lower(origin);
  const auto scheme = page.find("://");
  require(scheme != std::string::npos && (page.starts_with("http:") || page.starts_with("https:")));
  require(!host.empty() && name.starts_with(page.substr(scheme + 3)));
}

void check_reply(const HttpRequest& request, const HttpReply& reply) {
  static const std::set<unsigned> statuses{200, 304, 404, 405, 413, 426};
  require(statuses.contains(reply.result_int()));
  require(reply.body().find("secret") == std::string::npos);
  require(reply["Content-Security-Policy"].starts_with("default-src 'self'"));
  require(reply["X-Content-Type-Options"] == "nosniff");
  if (request.method() == http::verb::head || reply.result() == http::status::not_modified)
    require(reply.body().empty());
  if (reply.result() == http::status::ok && request.method() == http::verb::get)
    require(reply.body() == "page" || reply.body() == "script" || reply.body() == "ok\n");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  static const StaticFiles files(folder.root(), {});

  const auto text = text_of(data, size);
  if (const auto path = percent_decode(text)) {
    require(path->size() <= size && path->find('\0') == std::string::npos);
    if (text.find('%') == std::string_view::npos) require(*path == text);
  }
  if (const auto file = files.find(text)) require(file->content == "page" || file->content == "script");

  http::request_parser<http::empty_body> parser;
  parser.header_limit(16 * 1024);
  parser.eager(false);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(text.data(), text.size()), error);
  if (!parser.is_header_done()) return 0;
  const HttpRequest& request = parser.get();
  check_host_and_origin(request[http::field::host], request[http::field::origin]);
  check_reply(request, answer(request, files));
  return 0;
}
