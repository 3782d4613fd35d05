#pragma once

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>
#include <string_view>

#include "server/static_files.hpp"

namespace linnet::signaling {

using HttpRequest = boost::beast::http::request<boost::beast::http::empty_body>;
using HttpReply = boost::beast::http::response<boost::beast::http::string_body>;

/// Answers one plain HTTP request: the web app's files and /healthz. Pure but for reading files.
[[nodiscard]] HttpReply answer(const HttpRequest& request, const StaticFiles& files);
/// A short page for an error; closes the connection.
[[nodiscard]] HttpReply error_reply(boost::beast::http::status status, std::string_view text, unsigned version = 11);

}  // namespace linnet::signaling
