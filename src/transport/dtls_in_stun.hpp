#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ice/embedding.hpp"

namespace linnet::transport {

/// draft-hancke-webrtc-sped, "ICE procedures": which datagrams of the DTLS handshake travel in checks and their
/// responses, which of the peer's have arrived, and when that is over. Owned by Transport, which carries the datagrams
/// between it, ICE and DTLS; neither of these knows of it. No time, no output of its own.
class DtlsInStun {
 public:
  using Datagrams = std::vector<std::vector<std::byte>>;

  /// A new flight, or the last one sent again: what was to be embedded before is forgotten.
  void flight(Datagrams datagrams);
  /// Of a check or response. The DTLS datagram in it, to be handled by DTLS.
  [[nodiscard]] std::optional<std::vector<std::byte>> received(ice::Embedded embedded);
  /// DTLS is connected. The client's last flight was answered; a server's may be lost.
  void connected(bool client);
  /// Nothing is embedded any more.
  void end() noexcept { over_ = true; }

  [[nodiscard]] bool over() const noexcept { return over_; }
  /// What checks and responses are to carry now.
  [[nodiscard]] std::optional<ice::Embedding> to_embed() const;
  /// Once there is a path: what the peer is not known to have and was not handed out before, to be sent as it is.
  [[nodiscard]] Datagrams take_unsent();

 private:
  struct Pending {
    std::uint32_t crc = 0;
    bool sent = false;
    std::vector<std::byte> datagram;
  };
  std::vector<Pending> pending_;
  std::vector<std::uint32_t> arrived_;
  bool connected_ = false;
  bool over_ = false;
};

}  // namespace linnet::transport
