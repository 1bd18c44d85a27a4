#include "web_socket.h"

#include <algorithm>

namespace carillon {

namespace {

constexpr std::string_view kSampleKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr uint8_t kFinal = 0x80;
constexpr uint8_t kCompressed = 0x40;
constexpr uint8_t kReserved = 0x30;
constexpr uint8_t kKind = 0x0f;
constexpr uint8_t kMasked = 0x80;
constexpr size_t kShortMax = 125;
constexpr size_t kMedium = 126;  // two bytes of length follow
constexpr size_t kLong = 127;    // eight
constexpr size_t kMediumMax = 0xffff;
constexpr size_t kHeaderBytesMin = 2;
// Far beyond any event of a bench: a length like this is damage.
constexpr uint64_t kPayloadBytesMax = 16ULL * 1024 * 1024;

uint8_t byte_at(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

size_t length_width(std::string_view header) {
  const size_t said = byte_at(header, 1) & ~kMasked;
  return said == kLong ? 8 : said == kMedium ? 2 : 0;
}

uint64_t payload_bytes(std::string_view header, size_t width) {
  if (width == 0) return byte_at(header, 1) & ~kMasked;
  uint64_t length = 0;
  for (size_t i = 0; i < width; ++i) length = length << 8 | byte_at(header, kHeaderBytesMin + i);
  return length;
}

// How long the frame is that begins `seen`, or as much of its header as must come first: always
// more than was seen until it is whole.
uint64_t bytes_wanted(std::string_view seen) {
  if (seen.size() < kHeaderBytesMin) return kHeaderBytesMin;
  const size_t header = kHeaderBytesMin + length_width(seen);
  if (seen.size() < header) return header;
  return header + std::min(payload_bytes(seen, header - kHeaderBytesMin), kPayloadBytesMax + 1);
}

void append_head(std::string& out, uint8_t first, size_t length, uint8_t masked) {
  out += static_cast<char>(first);
  const size_t width = length <= kShortMax ? 0 : length <= kMediumMax ? 2 : 8;
  const size_t said = width == 0 ? length : width == 2 ? kMedium : kLong;
  out += static_cast<char>(masked | said);
  for (size_t i = width; i > 0; --i) out += static_cast<char>(length >> (8 * (i - 1)) & 0xff);
}

}  // namespace

std::string web_socket_fields(const SocketOffer& offer) {
  std::string fields = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
  fields.append("Sec-WebSocket-Key: ").append(kSampleKey).append("\r\n");
  if (!offer.extension.empty())
    fields.append("Sec-WebSocket-Extensions: ").append(offer.extension).append("\r\n");
  if (!offer.subprotocol.empty())
    fields.append("Sec-WebSocket-Protocol: ").append(offer.subprotocol).append("\r\n");
  return fields;
}

void append_client_frame(std::string& out, FrameKind kind, std::string_view payload) {
  append_head(out, kFinal | static_cast<uint8_t>(kind), payload.size(), kMasked);
  // A mask of zeros: it is there against proxies between, and servers unmask all masks alike.
  out.append(4, '\0').append(payload);
}

void append_server_frame(std::string& out, FrameKind kind, std::string_view payload,
                         Compressed compressed) {
  const uint8_t bit = compressed == Compressed::yes ? kCompressed : 0;
  append_head(out, kFinal | bit | static_cast<uint8_t>(kind), payload.size(), 0);
  out.append(payload);
}

void append_subscribe_op(std::string& out, const std::string& topic) {
  append_client_frame(
      out, FrameKind::text,
      R"({"op":"subscribe","id":")" + topic + R"(","topics":[")" + topic + R"("]})");
}

std::optional<Frame> FrameParser::next(std::string_view& bytes) {
  if (given_) cut_.clear();
  given_ = false;
  while (!odd_) {
    const std::string_view seen = cut_.empty() ? bytes : std::string_view(cut_);
    const uint64_t wanted = bytes_wanted(seen);
    if (wanted <= seen.size()) {
      given_ = !cut_.empty();
      if (!given_) bytes.remove_prefix(wanted);
      return parse(seen.substr(0, wanted));
    }
    odd_ = wanted > kPayloadBytesMax;
    if (bytes.empty()) return std::nullopt;
    // Of a frame that lies whole in `bytes` nothing is copied.
    const size_t count = std::min<uint64_t>(wanted - cut_.size(), bytes.size());
    cut_.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
  }
  return std::nullopt;
}

std::optional<Frame> FrameParser::parse(std::string_view whole) {
  const uint8_t first = byte_at(whole, 0);
  const auto kind = static_cast<FrameKind>(first & kKind);
  const bool known = kind == FrameKind::text || kind == FrameKind::binary ||
                     kind == FrameKind::close || kind == FrameKind::ping || kind == FrameKind::pong;
  odd_ = !known || (first & kFinal) == 0 || (first & kReserved) != 0 ||
         (byte_at(whole, 1) & kMasked) != 0;
  if (odd_) return std::nullopt;
  return Frame{.kind = kind,
               .compressed = (first & kCompressed) != 0 ? Compressed::yes : Compressed::no,
               .payload = whole.substr(kHeaderBytesMin + length_width(whole))};
}

}  // namespace carillon
