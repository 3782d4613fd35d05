// Batches with Linux's system calls. udp_batch_posix.cpp is the same for other systems.
#if defined(__linux__) && !defined(LINNET_IO_PORTABLE)

#include <linux/udp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "io/ancillary.hpp"
#include "io/socket_address.hpp"
#include "io/udp_socket.hpp"

namespace linnet::io {
namespace {

constexpr std::size_t max_messages = 32;  // In one sendmmsg.

struct OutgoingMessages {
  std::array<mmsghdr, max_messages> headers;
  std::array<iovec, max_messages> buffers;
  std::array<sockaddr_storage, max_messages> addresses;
  std::array<Ancillary, max_messages> controls;
  std::size_t count = 0;

  void add(const DatagramBatch::Run& run, std::span<const std::byte> bytes, bool segmented) noexcept {
    const std::size_t i = count++;
    buffers[i] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
    msghdr& h = headers[i].msg_hdr;
    h = {};
    h.msg_name = &addresses[i];
    h.msg_namelen = to_system(run.path.remote, addresses[i]);
    h.msg_iov = &buffers[i];
    h.msg_iovlen = 1;
    h.msg_control = &controls[i];
    append_ecn(h, run.path.remote.address.is_v4(), run.ecn);
    if (segmented) append_ancillary(h, IPPROTO_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(run.segment_size));
    if (h.msg_controllen == 0) h.msg_control = nullptr;
  }
};

std::size_t datagrams_in(std::size_t bytes, std::size_t segment) noexcept {
  return segment == 0 ? 1 : (bytes + segment - 1) / segment;
}

}  // namespace

void UdpSocket::configure_platform() {
  // 0 means "no segmentation by default"; that the kernel knows the option is what we ask.
  const int zero = 0;
  gso_ = ::setsockopt(fd_.get(), IPPROTO_UDP, UDP_SEGMENT, &zero, sizeof zero) == 0;
  allow_fragments(false);
}

// Normally a datagram that is too large is lost: path MTU is the sender's business, and so is what ICMP says of it.
void UdpSocket::allow_fragments(bool allowed) noexcept {
  const int v4 = allowed ? IP_PMTUDISC_DONT : IP_PMTUDISC_PROBE;
  const int v6 = allowed ? IPV6_PMTUDISC_DONT : IPV6_PMTUDISC_PROBE;
  if (local_.address.is_v4())
    (void)::setsockopt(fd_.get(), IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof v4);
  else
    (void)::setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof v6);
}

bool UdpSocket::receive(TimePoint now, ReceiveBatch& batch) {
  constexpr std::size_t n = ReceiveBatch::messages;
  std::array<mmsghdr, n> headers;
  std::array<iovec, n> buffers;
  std::array<sockaddr_storage, n> addresses;
  std::array<Ancillary, n> controls;
  for (std::size_t i = 0; i < n; ++i) {
    const auto room = batch.message(i);
    buffers[i] = {room.data(), room.size()};
    headers[i] = {};
    msghdr& h = headers[i].msg_hdr;
    h.msg_name = &addresses[i];
    h.msg_namelen = sizeof addresses[i];
    h.msg_iov = &buffers[i];
    h.msg_iovlen = 1;
    h.msg_control = &controls[i];
    h.msg_controllen = sizeof controls[i].bytes;
  }
  batch.clear();
  const int got = ::recvmmsg(fd_.get(), headers.data(), n, 0, nullptr);
  ++counters_.receive_calls;
  // ECONNREFUSED is an ICMP answer to something we sent; ICE notices in its own way. The next call reads on.
  if (got < 0) return errno == ECONNREFUSED || errno == EINTR;

  for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
    msghdr& h = headers[i].msg_hdr;
    const auto from = from_system(static_cast<const sockaddr*>(h.msg_name));
    if (!from || (h.msg_flags & MSG_TRUNC) != 0) {
      ++counters_.truncated;
      continue;
    }
    Ecn ecn = Ecn::NotEct;
    std::size_t segment = 0;
    for (cmsghdr* c = CMSG_FIRSTHDR(&h); c != nullptr; c = CMSG_NXTHDR(&h, c)) {
      if (read_ecn(*c, ecn)) continue;
      if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO)
        segment = static_cast<std::size_t>(std::max(0, ancillary_value<int>(*c)));
    }
    batch.add(now, Path{local_, *from, Protocol::Udp}, ecn, batch.message(i).first(headers[i].msg_len), segment);
  }
  counters_.received += batch.datagrams().size();
  // Only where datagrams come faster than they are read is there anything to join. Not from the start: the first such
  // socket of a system and the last make the kernel rewrite its own code on all processors, which is a good part of
  // what a connection that never carries much would cost.
  constexpr int crowd = 8;  // More than any handshake sends at once.
  if (got >= crowd && !gro_) {
    const int one = 1;
    gro_ = ::setsockopt(fd_.get(), IPPROTO_UDP, UDP_GRO, &one, sizeof one) == 0;
  }
  return static_cast<std::size_t>(got) == n;
}

UdpSocket::Sent UdpSocket::send(std::span<const DatagramBatch::Run> runs, std::size_t skip) {
  Sent at{.runs = 0, .bytes = skip};
  dropped_.clear();
  // Moves on by what message `index` of the last call held.
  const auto advance = [&](std::size_t bytes) {
    at.bytes += bytes;
    if (at.bytes >= runs[at.runs].bytes.size()) {
      ++at.runs;
      at.bytes = 0;
    }
  };
  unsigned retries = 0;
  std::size_t refused = runs.size();  // The run that is not to be sent with segmentation offload.
  while (at.runs < runs.size()) {
    OutgoingMessages out;
    const bool fragments = runs[at.runs].sizing == Sizing::Fragment;
    for (std::size_t r = at.runs, offset = at.bytes; r < runs.size() && out.count < max_messages; ++r, offset = 0) {
      const auto& run = runs[r];
      if ((run.sizing == Sizing::Fragment) != fragments) break;
      auto bytes = run.bytes.subspan(offset);
      const bool one = run.segment_size == 0 || bytes.size() <= run.segment_size;
      if (one || (gso_ && !fragments && r != refused)) {
        out.add(run, bytes, !one);
        continue;
      }
      for (; !bytes.empty() && out.count < max_messages;
           bytes = bytes.subspan(std::min(bytes.size(), run.segment_size)))
        out.add(run, bytes.first(std::min(bytes.size(), run.segment_size)), false);
      if (!bytes.empty()) break;
    }

    if (fragments) allow_fragments(true);
    const int sent = ::sendmmsg(fd_.get(), out.headers.data(), static_cast<unsigned>(out.count), 0);
    const int error = errno;
    if (fragments) allow_fragments(false);
    ++counters_.send_calls;
    if (sent > 0) {
      retries = 0;
      for (std::size_t i = 0; i < static_cast<std::size_t>(sent); ++i) {
        counters_.sent += datagrams_in(out.buffers[i].iov_len, runs[at.runs].segment_size);
        advance(out.buffers[i].iov_len);
      }
      continue;
    }
    const bool was_segmented = out.buffers[0].iov_len > runs[at.runs].segment_size && runs[at.runs].segment_size != 0;
    if (was_segmented && (error == EIO || error == EOPNOTSUPP)) {
      gso_ = false;  // The device cannot checksum, or the kernel cannot cut, what we gave it: one by one from here on.
      continue;
    }
    if (was_segmented && (error == EINVAL || error == EMSGSIZE)) {
      refused = at.runs;  // Its segments are too large for the device, or something else is wrong with this run only.
      continue;
    }
    Verdict verdict = judge(error);
    if (verdict == Verdict::Retry && ++retries > 4) verdict = Verdict::Drop;
    if (verdict == Verdict::Blocked) {
      at.blocked = true;
      break;
    }
    if (verdict == Verdict::Drop) {
      retries = 0;
      drop(runs[at.runs], out.buffers[0].iov_len);
      advance(out.buffers[0].iov_len);
    }
  }
  return at;
}

}  // namespace linnet::io

#endif
