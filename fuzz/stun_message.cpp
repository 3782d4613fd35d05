#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "base/bytes.hpp"
#include "stun/message_builder.hpp"
#include "stun/message_view.hpp"

// Whatever parses can be read in every way, stays inside its bytes, and its attributes can be written again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace linnet;
  const auto bytes = std::as_bytes(std::span{data, size});
  const auto message = stun::MessageView::parse(bytes);
  if (!message) return 0;
  if (!stun::is_stun(bytes)) std::abort();
  std::array<std::uint16_t, 4> unknown{};
  (void)message->unknown_attributes(unknown);
  (void)message->mapped_address();
  (void)message->error_code();
  (void)message->network_cost();
  (void)message->u64(stun::AttributeType::IceControlling);
  (void)message->verify_integrity(as_bytes("password"));
  (void)message->verify_integrity_sha256(as_bytes("password"));
  (void)message->verify_fingerprint();
  if (stun::username(bytes) != message->text(stun::AttributeType::Username)) std::abort();
  std::array<std::byte, 66'000> room{};
  stun::MessageBuilder builder{room, message->message_class(), message->method(), message->transaction_id()};
  for (const auto attribute : *message) builder.attribute(attribute.type, attribute.value);
  const std::size_t written = builder.finish();
  if (written == 0 || written > size) std::abort();
  const auto again = stun::MessageView::parse(std::span{room}.first(written));
  if (!again || again->method() != message->method() || again->mapped_address() != message->mapped_address()) {
    std::abort();
  }
  return 0;
}
