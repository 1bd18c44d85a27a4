// The opening handshake over HTTP/1.1 (RFC 6455 section 4).
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wire/http_head.h"
#include "wire/websocket_deflate.h"

namespace carillon {

// Does the request ask to go on as a WebSocket, rightly or not?
bool asks_for_websocket(const RequestHead& head);

// What the 101 says.
struct WebSocketOpening {
  std::string accept;       // Sec-WebSocket-Accept
  std::string subprotocol;  // empty: none
  std::optional<DeflateAgreement> deflate;

  // All fields of the answer.
  std::vector<HeaderField> fields() const;
};

// `subprotocols` are ours, the best first. Refused as 400; as 426 with another version, whose
// answer must name 13 (kWebSocketVersionField).
enum class OfferDeflate { no, yes };
std::expected<WebSocketOpening, HttpRefusal> open_websocket(
    const RequestHead& head, std::span<const std::string_view> subprotocols, OfferDeflate deflate);
std::vector<HeaderField> websocket_version_fields();

// Of a Sec-WebSocket-Key.
std::string websocket_accept(std::string_view key);

}  // namespace carillon
