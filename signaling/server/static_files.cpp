#include "server/static_files.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <system_error>
#include <utility>

namespace linnet::signaling {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t max_file_size = 64U * 1024 * 1024;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Every segment must be an ordinary name: no "..", no hidden file, no empty one, no other system's separator.
bool is_plain_path(std::string_view path) {
  if (path.empty() || path.front() != '/') return false;
  std::size_t at = 1;
  while (at <= path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    if (segment.empty() || segment.front() == '.') return false;
    if (segment.find_first_of("\\:") != std::string_view::npos) return false;
    at = end + 1;
  }
  return true;
}

std::string content_tag(std::string_view content) {
  // FNV-1a: the tag must change with the content, nobody has to be kept from forging it.
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : content) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back(digits[(hash >> static_cast<unsigned>(shift)) & 15U]);
  return out + "\"";
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  if (out.find('\0') != std::string::npos) return std::nullopt;
  return out;
}

std::string_view mime_type(std::string_view path) noexcept {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 21> types{{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".webmanifest", "application/manifest+json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".jpeg", "image/jpeg"},
      {".webp", "image/webp"},
      {".gif", "image/gif"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".wasm", "application/wasm"},
      {".txt", "text/plain; charset=utf-8"},
      {".mp3", "audio/mpeg"},
      {".ogg", "audio/ogg"},
      {".mp4", "video/mp4"},
      {".webm", "video/webm"},
  }};
  for (const auto& [extension, type] : types) {
    if (path.ends_with(extension)) return type;
  }
  return "application/octet-stream";
}

StaticFiles::StaticFiles(const std::string& root, std::span<const EmbeddedFile> embedded) : embedded_(embedded) {
  std::error_code ec;
  if (!root.empty()) root_ = fs::canonical(root, ec);
}

std::optional<StaticFile> StaticFiles::find(std::string_view path) const {
  const auto decoded = percent_decode(path);
  if (!decoded) return std::nullopt;
  if (*decoded == "/") return read("/index.html");
  if (!is_plain_path(*decoded)) return std::nullopt;
  if (decoded->starts_with("/r/") && decoded->find('/', 3) == std::string::npos) return read("/index.html");
  return read(*decoded);
}

std::optional<StaticFile> StaticFiles::read(const std::string& path) const {
  if (root_.empty()) {
    for (const EmbeddedFile& file : embedded_) {
      if (file.path != path) continue;
      std::string content(file.content.size(), '\0');
      std::ranges::transform(file.content, content.begin(), [](std::byte b) { return static_cast<char>(b); });
      std::string tag = content_tag(content);
      return StaticFile{.content = std::move(content), .mime_type = mime_type(path), .etag = std::move(tag)};
    }
    return std::nullopt;
  }
  std::error_code ec;
  // A link inside of the folder may point anywhere: what counts is where the file really is.
  const fs::path real = fs::canonical(root_ / path.substr(1), ec);
  if (ec || !fs::is_regular_file(real, ec)) return std::nullopt;
  const auto [root_end, unused] = std::mismatch(root_.begin(), root_.end(), real.begin(), real.end());
  if (root_end != root_.end()) return std::nullopt;
  const auto size = fs::file_size(real, ec);
  if (ec || size > max_file_size) return std::nullopt;
  std::ifstream in(real, std::ios::binary);
  std::string content(static_cast<std::size_t>(size), '\0');
  if (!in.read(content.data(), static_cast<std::streamsize>(content.size())) && !in.eof()) return std::nullopt;
  content.resize(static_cast<std::size_t>(in.gcount()));
  std::string tag = content_tag(content);
  return StaticFile{.content = std::move(content), .mime_type = mime_type(path), .etag = std::move(tag)};
}

}  // namespace linnet::signaling
