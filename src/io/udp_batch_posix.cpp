// One datagram a system call, for systems without recvmmsg. udp_batch_linux.cpp is the same for Linux, where tests ask
// for this one all the same.
#if !defined(__linux__) || defined(LINNET_IO_PORTABLE)

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "io/ancillary.hpp"
#include "io/socket_address.hpp"
#include "io/udp_socket.hpp"

namespace linnet::io {

void UdpSocket::configure_platform() { allow_fragments(false); }

void UdpSocket::allow_fragments([[maybe_unused]] bool allowed) noexcept {
#if defined(IP_DONTFRAG) && defined(IPV6_DONTFRAG)
  const int keep_whole = allowed ? 0 : 1;
  if (local_.address.is_v4())
    (void)::setsockopt(fd_.get(), IPPROTO_IP, IP_DONTFRAG, &keep_whole, sizeof keep_whole);
  else
    (void)::setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_DONTFRAG, &keep_whole, sizeof keep_whole);
#endif
}

bool UdpSocket::receive(TimePoint now, ReceiveBatch& batch) {
  batch.clear();
  for (std::size_t i = 0; i < ReceiveBatch::messages; ++i) {
    const auto room = batch.message(i);
    sockaddr_storage address;
    Ancillary control;
    iovec buffer{room.data(), room.size()};
    msghdr h{};
    h.msg_name = &address;
    h.msg_namelen = sizeof address;
    h.msg_iov = &buffer;
    h.msg_iovlen = 1;
    h.msg_control = &control;
    h.msg_controllen = sizeof control.bytes;
    const auto got = ::recvmsg(fd_.get(), &h, 0);
    ++counters_.receive_calls;
    if (got < 0) return errno == ECONNREFUSED || errno == EINTR;
    const auto from = from_system(reinterpret_cast<const sockaddr*>(&address));
    if (!from || (h.msg_flags & MSG_TRUNC) != 0) {
      ++counters_.truncated;
      continue;
    }
    Ecn ecn = Ecn::NotEct;
    for (cmsghdr* c = CMSG_FIRSTHDR(&h); c != nullptr; c = CMSG_NXTHDR(&h, c)) (void)read_ecn(*c, ecn);
    batch.add(now, Path{local_, *from, Protocol::Udp}, ecn, room.first(static_cast<std::size_t>(got)), 0);
    ++counters_.received;
  }
  return true;
}

UdpSocket::Sent UdpSocket::send(std::span<const DatagramBatch::Run> runs, std::size_t skip) {
  Sent at{.runs = 0, .bytes = skip};
  dropped_.clear();
  unsigned retries = 0;
  while (at.runs < runs.size()) {
    const auto& run = runs[at.runs];
    const auto rest = run.bytes.subspan(at.bytes);
    const auto piece = run.segment_size == 0 ? rest : rest.first(std::min(rest.size(), run.segment_size));
    sockaddr_storage address;
    Ancillary control;
    iovec buffer{const_cast<std::byte*>(piece.data()), piece.size()};
    msghdr h{};
    h.msg_name = &address;
    h.msg_namelen = to_system(run.path.remote, address);
    h.msg_iov = &buffer;
    h.msg_iovlen = 1;
    h.msg_control = &control;
    append_ecn(h, run.path.remote.address.is_v4(), run.ecn);
    if (h.msg_controllen == 0) h.msg_control = nullptr;
    if (run.sizing == Sizing::Fragment) allow_fragments(true);
    const auto sent = ::sendmsg(fd_.get(), &h, 0);
    const int error = errno;
    if (run.sizing == Sizing::Fragment) allow_fragments(false);
    ++counters_.send_calls;
    if (sent < 0) {
      Verdict verdict = judge(error);
      if (verdict == Verdict::Retry && ++retries > 4) verdict = Verdict::Drop;
      if (verdict == Verdict::Retry) continue;
      if (verdict == Verdict::Blocked) {
        at.blocked = true;
        break;
      }
      drop(run, piece.size());
    } else {
      ++counters_.sent;
    }
    retries = 0;
    at.bytes += piece.size();
    if (at.bytes >= run.bytes.size()) {
      ++at.runs;
      at.bytes = 0;
    }
  }
  return at;
}

}  // namespace linnet::io

#endif
