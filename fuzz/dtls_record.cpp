// Reads a datagram as records and handshake headers; writes each header again and compares.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "dtls/record.hpp"

using namespace linnet::dtls;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> datagram(size);
  if (size != 0) std::memcpy(datagram.data(), data, size);
  std::span<std::byte> rest = datagram;
  while (const auto record = next_record(rest)) {
    if (record->bytes.size() != record_header_size + record->fragment.size()) std::abort();
    std::array<std::byte, record_header_size> header;
    write_record_header(header, record->type, record->version, record->epoch, record->sequence,
                        record->fragment.size());
    if (std::memcmp(header.data(), record->bytes.data(), header.size()) != 0) std::abort();
    if (const auto handshake = read_handshake_header(record->fragment)) {
      if (handshake->fragment_offset + handshake->fragment_length > handshake->length) std::abort();
      std::array<std::byte, handshake_header_size> again;
      write_handshake_header(again, *handshake);
      if (std::memcmp(again.data(), record->fragment.data(), again.size()) != 0) std::abort();
    }
  }
  if (!rest.empty()) std::abort();
  return 0;
}
