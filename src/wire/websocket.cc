#include "wire/websocket.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"

namespace carillon {

namespace {

constexpr uint8_t kFin = 0x80;
constexpr uint8_t kRsv1 = 0x40;
constexpr uint8_t kMasked = 0x80;
constexpr size_t kShortMax = 125;
constexpr size_t kMediumMax = 0xFFFF;
constexpr uint8_t kMedium = 126;
constexpr uint8_t kLong = 127;
constexpr size_t kMediumHeaderBytes = 4;
constexpr size_t kLongHeaderBytes = 10;

// Length and what stands before it; the header's size.
size_t put_header(char* at, uint8_t first, uint8_t mask_bit, uint64_t bytes) {
  at[0] = static_cast<char>(first);
  if (bytes <= kShortMax) {
    at[1] = static_cast<char>(mask_bit | bytes);
    return 2;
  }
  const size_t width = bytes <= kMediumMax ? 2 : 8;
  at[1] = static_cast<char>(mask_bit | (width == 2 ? kMedium : kLong));
  for (size_t i = 0; i < width; ++i)
    at[2 + i] = static_cast<char>(bytes >> (8 * (width - 1 - i)));  // network byte order
  return 2 + width;
}

uint8_t first_byte(WebSocketOpcode opcode, bool fin, Compressed compressed) {
  return static_cast<uint8_t>((fin ? kFin : 0) | (compressed == Compressed::yes ? kRsv1 : 0) |
                              static_cast<uint8_t>(opcode));
}

std::string close_payload(uint16_t code, std::string_view reason) {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
  reason = reason.substr(0, kControlBytesMax - payload.size());
  payload += reason.substr(0, utf8_valid_prefix(reason));
  return payload;
}

}  // namespace

bool is_close_code(uint16_t code) {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

void append_websocket_frame(std::string& out, WebSocketOpcode opcode, std::string_view payload,
                            Compressed compressed) {
  char header[kLongHeaderBytes];
  const size_t bytes = put_header(header, first_byte(opcode, true, compressed), 0, payload.size());
  out.append(header, bytes);
  out.append(payload);
}

// Room for the header of most frames; what is shorter or longer moves once.
size_t open_websocket_frame(std::string& out) {
  const size_t from = out.size();
  out.append(kMediumHeaderBytes, '\0');
  return from;
}

void close_websocket_frame(std::string& out, size_t from, WebSocketOpcode opcode,
                           Compressed compressed) {
  CHECK(out.size() >= from + kMediumHeaderBytes);
  const size_t payload = out.size() - from - kMediumHeaderBytes;
  char header[kLongHeaderBytes];
  const size_t bytes = put_header(header, first_byte(opcode, true, compressed), 0, payload);
  if (bytes < kMediumHeaderBytes) out.erase(from, kMediumHeaderBytes - bytes);
  if (bytes > kMediumHeaderBytes) out.insert(from, bytes - kMediumHeaderBytes, '\0');
  std::copy_n(header, bytes, out.begin() + static_cast<ptrdiff_t>(from));
}

void append_close_frame(std::string& out, uint16_t code, std::string_view reason) {
  append_websocket_frame(out, WebSocketOpcode::close, close_payload(code, reason));
}

void append_client_frame(std::string& out, const ClientFrame& frame, std::string_view payload) {
  char header[kLongHeaderBytes];
  const size_t bytes = put_header(header, first_byte(frame.opcode, frame.fin, frame.compressed),
                                  kMasked, payload.size());
  out.append(header, bytes);
  out.append(frame.mask.data(), frame.mask.size());
  const size_t from = out.size();
  out.append(payload);
  unmask(out.data() + from, payload.size(), frame.mask, 0);
}

void unmask(char* bytes, size_t count, const WebSocketMask& mask, uint64_t offset) {
  // (No words of eight bytes by hand: the compiler makes vectors of this.)
  const char turned[4] = {mask[offset % 4], mask[(offset + 1) % 4], mask[(offset + 2) % 4],
                          mask[(offset + 3) % 4]};
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    bytes[i] ^= turned[0];
    bytes[i + 1] ^= turned[1];
    bytes[i + 2] ^= turned[2];
    bytes[i + 3] ^= turned[3];
  }
  for (; i < count; ++i) bytes[i] ^= turned[i % 4];
}

uint64_t websocket_frame_bytes(std::string_view bytes) {
  CHECK(bytes.size() >= 2);
  const auto said = static_cast<uint8_t>(bytes[1]) & ~kMasked;
  if (said <= static_cast<int>(kShortMax)) return 2 + static_cast<uint64_t>(said);
  const size_t width = said == kMedium ? 2 : 8;
  CHECK(bytes.size() >= 2 + width);
  uint64_t length = 0;
  for (size_t i = 0; i < width; ++i) length = length << 8 | static_cast<uint8_t>(bytes[2 + i]);
  return 2 + width + length;
}

}  // namespace carillon
