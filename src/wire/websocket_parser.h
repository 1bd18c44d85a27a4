// The reading side of a WebSocket: bytes to messages and control frames (RFC 6455 section 5).
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "wire/websocket.h"
#include "wire/websocket_deflate.h"

namespace carillon {

// What came whole.
struct WebSocketItem {
  enum class Kind { text, binary, ping, pong, close };
  Kind kind = Kind::text;
  std::string data;              // of a close its reason
  uint16_t code = kCloseNoCode;  // of a close
};

// Why the connection is failed: the code of the close frame, and a word for its reason.
struct WebSocketRefusal {
  uint16_t code;
  std::string_view detail;
};

// Takes bytes in pieces of any size. Everything is refused at the first byte that makes it wrong;
// memory grows with what arrived, never with what a header says.
//
// A resource of one connection. After a refusal or a close it must not be fed again.
class WebSocketParser {
 public:
  enum class Reads { client_frames, server_frames };  // masked, or not
  struct Options {
    Reads reads = Reads::client_frames;
    size_t message_bytes_max = 0;  // inflated, too
    bool deflate = false;          // agreed on
  };
  struct Step {
    size_t consumed = 0;  // of what was fed; the rest is fed again
    std::optional<WebSocketItem> item;
  };

  explicit WebSocketParser(Options options) : options_(options) {}

  // Up to the end of the next item; without one, all of it.
  std::expected<Step, WebSocketRefusal> feed(std::string_view in);
  // Of a message that has not ended.
  size_t held_bytes() const { return message_.size(); }

 private:
  using Taken = std::expected<void, WebSocketRefusal>;
  static constexpr size_t kHeaderBytesMax = 14;

  // Each moves what it takes from the front of `in`.
  Taken take_header(std::string_view& in);
  Taken check_first(uint8_t byte) const;
  Taken check_second(uint8_t byte) const;
  size_t header_bytes_wanted() const;
  Taken begin_frame();
  Taken take_payload(std::string_view& in);
  Taken take_message_bytes(char* bytes, size_t count);
  std::expected<std::optional<WebSocketItem>, WebSocketRefusal> end_frame();
  std::expected<WebSocketItem, WebSocketRefusal> end_message();
  std::expected<WebSocketItem, WebSocketRefusal> control_item();
  bool in_control() const { return static_cast<uint8_t>(opcode_) >= 8; }

  Options options_;
  std::array<char, kHeaderBytesMax> header_{};
  uint8_t header_bytes_ = 0;
  bool in_payload_ = false;
  bool fin_ = false;
  WebSocketOpcode opcode_ = WebSocketOpcode::continuation;  // of the frame being read
  WebSocketMask mask_{};
  uint64_t frame_bytes_ = 0;
  uint64_t frame_read_ = 0;
  std::optional<WebSocketOpcode> message_opcode_;  // a message has begun
  Utf8Checker utf8_;
  std::unique_ptr<Inflater> inflater_;  // while a compressed message is read
  std::string message_;
  std::string control_;
};

}  // namespace carillon
