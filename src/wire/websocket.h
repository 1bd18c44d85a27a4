// WebSocket frames as bytes (RFC 6455 section 5), and the codes that end a connection
// (section 7.4).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace carillon {

enum class WebSocketOpcode : uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};

inline constexpr size_t kControlBytesMax = 125;

inline constexpr uint16_t kCloseNormal = 1000;
inline constexpr uint16_t kCloseGoingAway = 1001;
inline constexpr uint16_t kCloseProtocolError = 1002;
inline constexpr uint16_t kCloseNoCode = 1005;  // an empty close frame; never on the wire
inline constexpr uint16_t kCloseBadData = 1007;
inline constexpr uint16_t kCloseTooLarge = 1009;
inline constexpr uint16_t kCloseInternal = 1011;
// Ours, as the HTTP status they stand for.
inline constexpr uint16_t kCloseBadRequest = 4400;
inline constexpr uint16_t kCloseUnauthorized = 4401;
inline constexpr uint16_t kCloseForbidden = 4403;
inline constexpr uint16_t kCloseTooSlow = 4408;
inline constexpr uint16_t kCloseGap = 4410;
inline constexpr uint16_t kCloseTooMany = 4429;

// May a close frame carry it (section 7.4)?
bool is_close_code(uint16_t code);

using WebSocketMask = std::array<char, 4>;

// A frame as a server sends it is unmasked. Compressed: the payload is what a Deflater made.
enum class Compressed { no, yes };
void append_websocket_frame(std::string& out, WebSocketOpcode opcode, std::string_view payload,
                            Compressed compressed = Compressed::no);
// The same around what is appended in between, without another copy.
size_t open_websocket_frame(std::string& out);
void close_websocket_frame(std::string& out, size_t from, WebSocketOpcode opcode,
                           Compressed compressed = Compressed::no);
// `reason` is cut to what a control frame holds, at the end of a character.
void append_close_frame(std::string& out, uint16_t code, std::string_view reason);

// As a client sends it; the mask must be new and not to be guessed (section 5.3).
struct ClientFrame {
  WebSocketOpcode opcode = WebSocketOpcode::text;
  bool fin = true;
  Compressed compressed = Compressed::no;
  WebSocketMask mask{};
};
void append_client_frame(std::string& out, const ClientFrame& frame, std::string_view payload);

// XORs in place; `offset` is where in its frame's payload the first byte lies.
void unmask(char* bytes, size_t count, const WebSocketMask& mask, uint64_t offset);

// How long the unmasked frame is that begins `bytes`, header and payload; its header must be whole.
uint64_t websocket_frame_bytes(std::string_view bytes);

}  // namespace carillon
