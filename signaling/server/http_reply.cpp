#include "server/http_reply.hpp"

#include <boost/beast/http/field.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/verb.hpp>
#include <utility>

namespace linnet::signaling {
namespace {

namespace http = boost::beast::http;

void set_security_headers(HttpReply& reply) {
  reply.set("Content-Security-Policy",
            "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:; media-src 'self' blob:; "
            "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
  reply.set("X-Content-Type-Options", "nosniff");
  reply.set("Referrer-Policy", "no-referrer");
  reply.set("Cross-Origin-Opener-Policy", "same-origin");
}

HttpReply make(http::status status, std::string_view mime, std::string body, unsigned version) {
  HttpReply reply{status, version};
  reply.set(http::field::server, "linnet");
  reply.set(http::field::content_type, mime);
  set_security_headers(reply);
  reply.body() = std::move(body);
  return reply;
}

std::string page(std::string_view title, std::string_view text) {
  std::string out = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>";
  out.append(title).append("</title><h1>").append(title).append("</h1><p>").append(text).append("</p></html>\n");
  return out;
}

HttpReply not_found(const HttpRequest& request, std::string_view path) {
  if (path == "/") {
    return make(http::status::ok, "text/html; charset=utf-8",
                page("linnet", "The signaling server is running; it was started without the web app."),
                request.version());
  }
  return make(http::status::not_found, "text/html; charset=utf-8", page("Not found", "There is nothing here."),
              request.version());
}

HttpReply get(const HttpRequest& request, const StaticFiles& files) {
  std::string_view path(request.target().data(), request.target().size());
  path = path.substr(0, path.find_first_of("?#"));
  if (path == "/healthz") {
    auto reply = make(http::status::ok, "text/plain; charset=utf-8", "ok\n", request.version());
    reply.set(http::field::cache_control, "no-store");
    return reply;
  }
  if (path == "/v1/ws") {
    auto reply = make(http::status::upgrade_required, "text/plain; charset=utf-8",
                      "This is a WebSocket endpoint, subprotocol linnet.1.\n", request.version());
    reply.set(http::field::upgrade, "websocket");
    return reply;
  }
  auto file = files.find(path);
  if (!file) return not_found(request, path);

  const auto known = request[http::field::if_none_match];
  const bool unchanged = known == "*" || known.find(file->etag) != decltype(known)::npos;
  auto reply = make(unchanged ? http::status::not_modified : http::status::ok, file->mime_type,
                    unchanged ? std::string() : std::move(file->content), request.version());
  reply.set(http::field::etag, file->etag);
  // Always asked for again: with the tag that costs one small answer, and an update is seen at once.
  reply.set(http::field::cache_control, "no-cache");
  return reply;
}

HttpReply choose(const HttpRequest& request, const StaticFiles& files) {
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    auto reply = error_reply(http::status::method_not_allowed, "Only GET and HEAD.", request.version());
    reply.set(http::field::allow, "GET, HEAD");
    return reply;
  }
  // No request here has a body; what follows the header would be taken for the next request.
  if (request.has_content_length() && request[http::field::content_length] != "0") {
    return error_reply(http::status::payload_too_large, "A body is not wanted.", request.version());
  }
  if (request.chunked())
    return error_reply(http::status::payload_too_large, "A body is not wanted.", request.version());
  auto reply = get(request, files);
  reply.keep_alive(request.keep_alive());
  if (reply.result() != http::status::not_modified) reply.prepare_payload();
  return reply;
}

}  // namespace

HttpReply error_reply(http::status status, std::string_view text, unsigned version) {
  auto reply = make(status, "text/plain; charset=utf-8", std::string(text) + "\n", version);
  reply.keep_alive(false);
  reply.prepare_payload();
  return reply;
}

HttpReply answer(const HttpRequest& request, const StaticFiles& files) {
  HttpReply reply = choose(request, files);
  // RFC 9110 section 9.3.2: the same header as for GET, with the length that the body would have; refusals, too.
  if (request.method() == http::verb::head) reply.body().clear();
  return reply;
}

}  // namespace linnet::signaling
