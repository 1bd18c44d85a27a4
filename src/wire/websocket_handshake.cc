#include "wire/websocket_handshake.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/result.h"
#include "base/text.h"
#include "wire/http_token.h"

namespace carillon {

namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 section 1.3
constexpr size_t kKeyBytes = 16;
constexpr std::string_view kVersion = "13";

std::unexpected<HttpRefusal> refuse(std::string detail, std::string fix) {
  return std::unexpected(HttpRefusal{400, std::move(detail), std::move(fix)});
}

// The items of all fields of this name, which form one list.
std::expected<std::vector<std::string>, HttpRefusal> offered_subprotocols(const RequestHead& head) {
  std::vector<std::string> offered;
  for (auto rest : head.all("sec-websocket-protocol")) {
    for (;;) {
      const size_t comma = rest.find(',');
      const auto item = trim(rest.substr(0, comma));
      if (!item.empty() && !is_token(item))
        return refuse("Sec-WebSocket-Protocol holds what is no token", "Name subprotocols only.");
      if (!item.empty()) offered.emplace_back(item);
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return offered;
}

std::expected<void, HttpRefusal> check_upgrade(const RequestHead& head) {
  constexpr std::string_view kFix = "Use a WebSocket client, or leave Upgrade out.";
  if (head.method != "GET" || head.minor < 1)
    return refuse("a WebSocket begins with GET and HTTP/1.1", std::string(kFix));
  if (!head.list_contains("connection", "upgrade"))
    return refuse("Upgrade without 'Connection: Upgrade'", std::string(kFix));
  const auto versions = head.all("sec-websocket-version");
  if (versions.size() != 1 || versions.front() != kVersion) {
    return std::unexpected(HttpRefusal{426, "only version 13 of WebSocket is spoken here",
                                       "Send Sec-WebSocket-Version: 13."});
  }
  const auto keys = head.all("sec-websocket-key");
  const auto key = keys.size() == 1 ? from_base64(keys.front()) : std::nullopt;
  if (!key || key->size() != kKeyBytes) {
    return refuse("Sec-WebSocket-Key must be given once, 16 bytes in base64",
                  "Let the client make a new one for each connection.");
  }
  return {};
}

}  // namespace

bool asks_for_websocket(const RequestHead& head) {
  return head.list_contains("upgrade", "websocket");
}

std::string websocket_accept(std::string_view key) {
  return to_base64(sha1(fmt::format("{}{}", key, kGuid)));
}

std::vector<HeaderField> websocket_version_fields() {
  return {{"upgrade", "websocket"}, {"sec-websocket-version", std::string(kVersion)}};
}

std::vector<HeaderField> WebSocketOpening::fields() const {
  std::vector<HeaderField> out = {
      {"upgrade", "websocket"}, {"connection", "Upgrade"}, {"sec-websocket-accept", accept}};
  if (!subprotocol.empty()) out.push_back({"sec-websocket-protocol", subprotocol});
  if (deflate) out.push_back({"sec-websocket-extensions", deflate->text()});
  return out;
}

std::expected<WebSocketOpening, HttpRefusal> open_websocket(
    const RequestHead& head, std::span<const std::string_view> subprotocols, OfferDeflate deflate) {
  TRY(check_upgrade(head));
  WebSocketOpening opening{.accept = websocket_accept(head.field("sec-websocket-key")),
                           .subprotocol = {},
                           .deflate = {}};
  TRY(const auto offered, offered_subprotocols(head));
  const auto chosen = std::ranges::find_if(subprotocols, [&](std::string_view ours) {
    return std::ranges::find(offered, ours) != offered.end();
  });
  if (chosen != subprotocols.end()) opening.subprotocol = *chosen;
  auto agreement = agree_on_deflate(head.all("sec-websocket-extensions"));
  if (!agreement)
    return refuse(agreement.error(), "Offer extensions as RFC 6455 section 9.1 has it.");
  if (deflate == OfferDeflate::yes) opening.deflate = *agreement;
  return opening;
}

}  // namespace carillon
