#include "wire/websocket_parser.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/result.h"
#include "base/text.h"

namespace carillon {

namespace {

constexpr uint8_t kFin = 0x80;
constexpr uint8_t kRsv1 = 0x40;
constexpr uint8_t kRsv23 = 0x30;
constexpr uint8_t kMaskBit = 0x80;
constexpr uint8_t kMedium = 126;
constexpr uint8_t kLong = 127;
constexpr size_t kMaskBytes = 4;
constexpr uint64_t kMediumMin = 126;
constexpr uint64_t kLongMin = 0x10000;
// A compressed piece is unmasked here before it is inflated.
constexpr size_t kPieceBytes = 4096;

std::unexpected<WebSocketRefusal> refuse(uint16_t code, std::string_view detail) {
  return std::unexpected(WebSocketRefusal{code, detail});
}

WebSocketOpcode opcode_of(uint8_t first) { return static_cast<WebSocketOpcode>(first & 0x0F); }
bool is_control(uint8_t first) { return (first & 0x08) != 0; }

}  // namespace

std::expected<WebSocketParser::Step, WebSocketRefusal> WebSocketParser::feed(std::string_view in) {
  const size_t fed = in.size();
  while (!in.empty()) {
    if (!in_payload_) TRY(take_header(in));
    if (!in_payload_) break;
    TRY(take_payload(in));
    if (frame_read_ < frame_bytes_) break;
    TRY(auto item, end_frame());
    if (item) return Step{fed - in.size(), std::move(item)};
  }
  return Step{fed - in.size(), std::nullopt};
}

// --- the header ----------------------------------------------------------------------------------

WebSocketParser::Taken WebSocketParser::take_header(std::string_view& in) {
  while (!in.empty() && header_bytes_ < header_bytes_wanted()) {
    const char byte = in.front();
    in.remove_prefix(1);
    header_[header_bytes_++] = byte;
    if (header_bytes_ == 1) TRY(check_first(static_cast<uint8_t>(byte)));
    if (header_bytes_ == 2) TRY(check_second(static_cast<uint8_t>(byte)));
  }
  if (header_bytes_ < header_bytes_wanted()) return {};
  return begin_frame();
}

size_t WebSocketParser::header_bytes_wanted() const {
  if (header_bytes_ < 2) return 2;
  const auto second = static_cast<uint8_t>(header_[1]);
  const auto said = second & ~kMaskBit;
  const size_t length = said == kMedium ? 2 : said == kLong ? 8 : 0;
  return 2 + length + ((second & kMaskBit) != 0 ? kMaskBytes : 0);
}

WebSocketParser::Taken WebSocketParser::check_first(uint8_t byte) const {
  const auto opcode = opcode_of(byte);
  if ((byte & kRsv23) != 0) return refuse(kCloseProtocolError, "a reserved bit is set");
  const bool known = opcode <= WebSocketOpcode::binary ||
                     (opcode >= WebSocketOpcode::close && opcode <= WebSocketOpcode::pong);
  if (!known) return refuse(kCloseProtocolError, "a reserved opcode");
  const bool begins = opcode == WebSocketOpcode::text || opcode == WebSocketOpcode::binary;
  if ((byte & kRsv1) != 0 && !(options_.deflate && begins))
    return refuse(kCloseProtocolError, "RSV1 is set where no compressed message begins");
  if (is_control(byte)) {
    if ((byte & kFin) == 0) return refuse(kCloseProtocolError, "a control frame in fragments");
    return {};
  }
  if (begins && message_opcode_)
    return refuse(kCloseProtocolError, "a message begins inside another");
  if (!begins && !message_opcode_) return refuse(kCloseProtocolError, "a continuation of nothing");
  return {};
}

WebSocketParser::Taken WebSocketParser::check_second(uint8_t byte) const {
  const bool masked = (byte & kMaskBit) != 0;
  if (masked != (options_.reads == Reads::client_frames)) {
    return refuse(kCloseProtocolError,
                  masked ? "a server's frame is masked" : "a client's frame is not masked");
  }
  if (is_control(static_cast<uint8_t>(header_[0])) && (byte & ~kMaskBit) > int{kControlBytesMax})
    return refuse(kCloseProtocolError, "a control frame of more than 125 bytes");
  return {};
}

// The header is whole.
WebSocketParser::Taken WebSocketParser::begin_frame() {
  const auto first = static_cast<uint8_t>(header_[0]);
  const auto second = static_cast<uint8_t>(header_[1]);
  const auto said = static_cast<uint8_t>(second & ~kMaskBit);
  const size_t width = said == kMedium ? 2 : said == kLong ? 8 : 0;
  uint64_t bytes = width == 0 ? said : 0;
  for (size_t i = 0; i < width; ++i) bytes = bytes << 8 | static_cast<uint8_t>(header_[2 + i]);
  if (bytes >> 63 != 0) return refuse(kCloseProtocolError, "a length with its top bit set");
  if ((width == 2 && bytes < kMediumMin) || (width == 8 && bytes < kLongMin))
    return refuse(kCloseProtocolError, "a length in more bytes than it needs");
  opcode_ = opcode_of(first);
  fin_ = (first & kFin) != 0;
  if ((second & kMaskBit) != 0)
    std::copy_n(header_.begin() + 2 + static_cast<ptrdiff_t>(width), kMaskBytes, mask_.begin());
  frame_bytes_ = bytes;
  frame_read_ = 0;
  header_bytes_ = 0;
  in_payload_ = true;
  if (in_control()) return {};
  if (opcode_ != WebSocketOpcode::continuation) {
    message_opcode_ = opcode_;
    utf8_ = Utf8Checker();
    if ((first & kRsv1) != 0) inflater_ = std::make_unique<Inflater>();
  }
  // (A compressed one is measured as it is inflated.)
  if (inflater_ == nullptr && bytes > options_.message_bytes_max - message_.size())
    return refuse(kCloseTooLarge, "the message is larger than the hub takes");
  return {};
}

// --- the payload ---------------------------------------------------------------------------------

WebSocketParser::Taken WebSocketParser::take_payload(std::string_view& in) {
  const bool masked = options_.reads == Reads::client_frames;
  while (!in.empty() && frame_read_ < frame_bytes_) {
    auto piece = in.substr(0, frame_bytes_ - frame_read_);
    if (inflater_ != nullptr && !in_control()) {
      std::array<char, kPieceBytes> plain;
      piece = piece.substr(0, plain.size());
      std::ranges::copy(piece, plain.begin());
      if (masked) unmask(plain.data(), piece.size(), mask_, frame_read_);
      TRY(take_message_bytes(plain.data(), piece.size()));
    } else {
      std::string& into = in_control() ? control_ : message_;
      const size_t from = into.size();
      into += piece;
      if (masked) unmask(into.data() + from, piece.size(), mask_, frame_read_);
      if (!in_control()) TRY(take_message_bytes(into.data() + from, piece.size()));
    }
    frame_read_ += piece.size();
    in.remove_prefix(piece.size());
  }
  return {};
}

// Plain ones lie in message_ already.
WebSocketParser::Taken WebSocketParser::take_message_bytes(char* bytes, size_t count) {
  std::string_view fresh(bytes, count);
  if (inflater_ != nullptr) {
    const size_t from = message_.size();
    switch (inflater_->feed(fresh, message_, options_.message_bytes_max)) {
      case Inflater::State::good: break;
      case Inflater::State::broken: return refuse(kCloseBadData, "broken compressed data");
      case Inflater::State::too_large:
        return refuse(kCloseTooLarge, "the message is larger than the hub takes");
    }
    fresh = std::string_view(message_).substr(from);
  }
  if (message_opcode_ == WebSocketOpcode::text && !utf8_.feed(fresh))
    return refuse(kCloseBadData, "a text message is not UTF-8");
  return {};
}

std::expected<std::optional<WebSocketItem>, WebSocketRefusal> WebSocketParser::end_frame() {
  in_payload_ = false;
  if (in_control()) return control_item();
  if (!fin_) return std::nullopt;
  return end_message();
}

std::expected<WebSocketItem, WebSocketRefusal> WebSocketParser::end_message() {
  if (inflater_ != nullptr) {
    const size_t from = message_.size();
    switch (inflater_->finish(message_, options_.message_bytes_max)) {
      case Inflater::State::good: break;
      case Inflater::State::broken: return refuse(kCloseBadData, "broken compressed data");
      case Inflater::State::too_large:
        return refuse(kCloseTooLarge, "the message is larger than the hub takes");
    }
    inflater_.reset();
    if (message_opcode_ == WebSocketOpcode::text &&
        !utf8_.feed(std::string_view(message_).substr(from)))
      return refuse(kCloseBadData, "a text message is not UTF-8");
  }
  const bool text = message_opcode_ == WebSocketOpcode::text;
  if (text && !utf8_.is_whole())
    return refuse(kCloseBadData, "a text message ends inside a character");
  message_opcode_.reset();
  return WebSocketItem{.kind = text ? WebSocketItem::Kind::text : WebSocketItem::Kind::binary,
                       .data = std::exchange(message_, {})};
}

std::expected<WebSocketItem, WebSocketRefusal> WebSocketParser::control_item() {
  WebSocketItem item{.kind = WebSocketItem::Kind::pong, .data = std::exchange(control_, {})};
  if (opcode_ == WebSocketOpcode::ping) item.kind = WebSocketItem::Kind::ping;
  if (opcode_ != WebSocketOpcode::close) return item;
  item.kind = WebSocketItem::Kind::close;
  if (item.data.empty()) return item;
  if (item.data.size() == 1) return refuse(kCloseProtocolError, "a close frame with half a code");
  item.code = static_cast<uint16_t>(static_cast<uint8_t>(item.data[0]) << 8 |
                                    static_cast<uint8_t>(item.data[1]));
  item.data.erase(0, 2);
  if (!is_close_code(item.code))
    return refuse(kCloseProtocolError, "a close frame with a code that must not be sent");
  if (!is_utf8(item.data)) return refuse(kCloseBadData, "a close reason that is not UTF-8");
  return item;
}

}  // namespace carillon
