#include "runtime/stream.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace linnet::runtime {
namespace {

constexpr std::size_t read_size = 65'536;
constexpr std::array<std::byte, 4> zeros{};

// Memory for one read, and for what TLS makes of it. One for each thread serves all its streams, as datagrams are
// consumed before the next read.
struct Scratch {
  std::vector<std::byte> read = std::vector<std::byte>(read_size);
  std::vector<std::byte> plain = std::vector<std::byte>(2 * read_size);
  std::vector<std::byte> write;
};
Scratch& scratch() {
  thread_local Scratch memory;
  return memory;
}

}  // namespace

Stream::Stream(const boost::asio::any_io_executor& executor, io::TcpSocket tcp, const Path& path, Framing framing,
               std::unique_ptr<crypto::TlsClient> tls, bool accepted, std::size_t most_kept)
    : socket(executor, std::move(tcp)),
      limit(executor),
      path_(path),
      framing_(framing),
      phase_(accepted ? Phase::Open : Phase::Connecting),
      tls_(std::move(tls)),
      deframer_(framing),
      most_kept_(most_kept) {}

void Stream::end(std::string why, std::error_code error) {
  if (phase_ == Phase::Ended) return;
  phase_ = Phase::Ended;
  why_ = std::move(why);
  error_ = error;
  kept_.clear();
  written_ = 0;
}

void Stream::socket_connected() {
  if (phase_ != Phase::Connecting) return;
  if (const auto error = socket->connect_result()) return end(error.message(), error);
  if (!tls_) {
    phase_ = Phase::Open;
    return;
  }
  phase_ = Phase::Handshaking;
  if (tls_->state() == crypto::TlsClient::State::Failed)
    return end(tls_->failure(), std::make_error_code(std::errc::protocol_error));
  take_from_tls();
  flush();
}

bool Stream::receive() {
  if (phase_ != Phase::Handshaking && phase_ != Phase::Open) return false;
  return tls_ ? receive_tls() : receive_plain();
}

bool Stream::receive_plain() {
  const std::span<std::byte> room = scratch().read;
  const std::size_t before = first_.size();
  std::ranges::copy(first_, room.begin());
  std::exchange(first_, {});
  const auto moved = socket->read(room.subspan(before));
  if (moved.error) {
    end(moved.error.message(), moved.error);
  } else if (moved.ended) {
    end("the other side has closed the connection");
  }
  deframer_.feed(room.first(before + moved.bytes));
  return before + moved.bytes == room.size();
}

bool Stream::receive_tls() {
  const std::span<std::byte> room = scratch().read;
  const auto moved = socket->read(room);
  tls_->feed(room.first(moved.bytes));
  // A record is at most 16 KiB and what was left of the last read is less than one, so all of it fits.
  const std::span<std::byte> plain = scratch().plain;
  std::size_t size = 0;
  while (const std::size_t n = tls_->read(plain.subspan(size))) size += n;
  deframer_.feed(plain.first(size));
  // Answers of the handshake, a new key, or the alert that tells the server why.
  take_from_tls();
  flush();
  if (tls_->state() == crypto::TlsClient::State::Failed) {
    end(tls_->failure(), std::make_error_code(std::errc::protocol_error));
  } else if (moved.error) {
    end(moved.error.message(), moved.error);
  } else if (kept() > most_kept_ + read_size) {
    // Datagrams alone are never that much: it makes us answer (TLS 1.3 KeyUpdate) and takes no answer.
    end("the server asks for answers and does not read them");
  } else if (moved.ended || tls_->state() == crypto::TlsClient::State::Ended) {
    end("the other side has closed the connection");
  } else if (phase_ == Phase::Handshaking && tls_->state() == crypto::TlsClient::State::Connected) {
    phase_ = Phase::Open;
  }
  return moved.bytes == room.size();
}

std::optional<std::span<std::byte>> Stream::next() {
  const auto datagram = deframer_.next();
  if (deframer_.broken()) end("the stream holds something else than datagrams");
  return datagram;
}

bool Stream::has_room(std::size_t bytes) const noexcept {
  return kept() + bytes <= (stalled ? std::min(max_kept_stalled, most_kept_) : most_kept_);
}

void Stream::send(const DatagramBatch::Run& run) {
  if (phase_ != Phase::Open) {
    counters_.dropped += run.segments();
    counters_.dropped_bytes += run.bytes.size();
    return;
  }
  std::array<std::array<std::byte, 2>, DatagramBatch::max_run_segments> headers;
  std::array<std::span<const std::byte>, 3 * DatagramBatch::max_run_segments> pieces;
  static_assert(3 * DatagramBatch::max_run_segments <= io::TcpSocket::max_pieces);
  std::size_t count = 0;
  std::size_t bytes = 0;
  auto rest = run.bytes;
  for (std::size_t i = 0; i < headers.size() && !rest.empty(); ++i) {
    const auto datagram = run.segment_size == 0 ? rest : rest.first(std::min(rest.size(), run.segment_size));
    rest = rest.subspan(datagram.size());
    const auto edges = frame_edges(framing_, datagram);
    const std::size_t size = edges ? edges->header_size + datagram.size() + edges->padding : 0;
    if (!edges || !has_room(bytes + size)) {
      ++counters_.dropped;
      counters_.dropped_bytes += datagram.size();
      continue;
    }
    bytes += size;
    ++counters_.sent;
    headers[i] = edges->header;
    if (edges->header_size != 0) pieces[count++] = std::span{headers[i]}.first(edges->header_size);
    pieces[count++] = datagram;
    if (edges->padding != 0) pieces[count++] = std::span{zeros}.first(edges->padding);
  }
  if (count == 0) return;
  const auto made = std::span{pieces}.first(count);
  if (!tls_) return write_directly(made);
  // As few records as possible.
  std::vector<std::byte>& plain = scratch().write;
  plain.clear();
  for (const auto piece : made) plain.insert(plain.end(), piece.begin(), piece.end());
  tls_->write(plain);
  take_from_tls();
  flush();
}

void Stream::write_directly(std::span<const std::span<const std::byte>> pieces) {
  std::size_t done = 0;
  if (kept() == 0) {
    const auto moved = socket->write(pieces);
    ++counters_.writes;
    if (moved.error) return end(moved.error.message(), moved.error);
    done = moved.bytes;
  }
  for (const auto piece : pieces) {
    const std::size_t skip = std::min(done, piece.size());
    done -= skip;
    keep(piece.subspan(skip));
  }
}

void Stream::take_from_tls() {
  const std::size_t more = tls_->pending();
  if (more == 0) return;
  const std::size_t size = kept_.size();
  kept_.resize(size + more);
  kept_.resize(size + tls_->take(std::span{kept_}.subspan(size)));
}

void Stream::flush() {
  if (phase_ == Phase::Connecting || phase_ == Phase::Ended) return;
  while (kept() != 0) {
    const std::array<std::span<const std::byte>, 1> pieces{std::span{kept_}.subspan(written_)};
    const auto moved = socket->write(pieces);
    ++counters_.writes;
    if (moved.error) return end(moved.error.message(), moved.error);
    written_ += moved.bytes;
    if (moved.blocked) break;
  }
  // Memory does not wander on while the stream never comes to rest.
  if (kept() == 0 || written_ > most_kept_) {
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(written_));
    written_ = 0;
  }
  if (phase_ != Phase::Closing || kept() != 0) return;
  socket->end();
  end({});
}

void Stream::close() {
  if (phase_ == Phase::Ended) return;
  if (phase_ != Phase::Open) return end({});
  if (tls_) {
    tls_->close();
    take_from_tls();
  }
  phase_ = Phase::Closing;
  flush();
}

}  // namespace linnet::runtime
