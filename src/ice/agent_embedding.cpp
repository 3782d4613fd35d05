#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "ice/agent.hpp"
#include "stun/message_builder.hpp"

// The owner's data in checks and responses, draft-hancke-webrtc-sped.

namespace linnet::ice {
namespace {

/// "META-DTLS-IN-STUN-ACKNOWLEDGEMENT": up to four.
constexpr std::size_t max_acknowledgements = 4;

}  // namespace

void Agent::embed(std::optional<Embedding> embedding) {
  embedding_ = std::move(embedding);
  if (embedding_ && next_embedded_ >= embedding_->data.size()) next_embedded_ = 0;
}

/// Adds what is to be carried by now, and what has to come last.
std::vector<std::byte> Agent::finished(const Outgoing& packet) {
  std::vector<std::byte> out(options_.embedding + packet.bytes.size());
  const auto with = [&](std::span<const std::byte> data, bool has_data) {
    stun::MessageBuilder message{out, packet.bytes};
    if (embedding_) {
      std::array<std::byte, 4 * max_acknowledgements> list{};
      const std::size_t count = std::min(embedding_->acknowledged.size(), max_acknowledgements);
      for (std::size_t i = 0; i < count; ++i) store_be(list.data() + 4 * i, embedding_->acknowledged[i]);
      message.attribute(stun::AttributeType::MetaDtlsInStunAcknowledgement, std::span{list}.first(4 * count));
      if (has_data) message.attribute(stun::AttributeType::MetaDtlsInStun, data);
    }
    return message.integrity(as_bytes(packet.key)).fingerprint().finish();
  };
  std::size_t size = 0;
  if (embedding_ && !embedding_->data.empty()) {
    size = with(embedding_->data[next_embedded_], true);
    next_embedded_ = (next_embedded_ + 1) % embedding_->data.size();
    // Long user names leave less room than was meant for it.
    if (size > options_.embedding) size = 0;
  }
  if (size == 0) size = with({}, embedding_ && embedding_->data_if_empty && embedding_->data.empty());
  out.resize(size);
  return out;
}

/// An authenticated message of the peer, also when it carries nothing: then the peer does not know of it, or is done.
void Agent::take_embedded(const stun::MessageView& message) {
  if (!embedding_) return;
  Embedded out;
  for (const auto& attribute : message) {
    if (attribute.type == stun::AttributeType::MetaDtlsInStun && !out.data) {
      out.data.emplace(attribute.value.begin(), attribute.value.end());
    } else if (attribute.type == stun::AttributeType::MetaDtlsInStunAcknowledgement && !out.acknowledged) {
      out.acknowledged.emplace();
      // "If the length of the value is not a multiple of four or exceeds 16 bytes": as good as empty.
      if (attribute.value.size() % 4 != 0 || attribute.value.size() > 4 * max_acknowledgements) continue;
      ByteReader reader(attribute.value);
      while (reader.remaining() != 0) out.acknowledged->push_back(reader.u32());
    }
  }
  emit(std::move(out));
}

}  // namespace linnet::ice
