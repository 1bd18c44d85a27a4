#include "wire/websocket_handshake.h"

#include <array>

#include "base/check.h"
#include "testing/pieces.h"

// The values of the fields that a client chooses; what is answered was offered.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto text = fuzzed_text(data, size);
  const size_t line = text.find('\n');
  const auto first = text.substr(0, line);
  const auto second = line == std::string_view::npos ? std::string_view() : text.substr(line + 1);
  const RequestHead head{.method = "GET",
                         .target = "/",
                         .fields = {{"upgrade", "websocket"},
                                    {"connection", "keep-alive, Upgrade"},
                                    {"sec-websocket-version", "13"},
                                    {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
                                    {"sec-websocket-protocol", std::string(first)},
                                    {"sec-websocket-extensions", std::string(second)}}};
  constexpr std::array<std::string_view, 2> kOurs = {"carillon.v1.json", "cloudevents.json"};
  const auto opened = open_websocket(head, kOurs, OfferDeflate::yes);
  if (!opened) {
    CHECK(opened.error().status == 400);
    return 0;
  }
  CHECK(opened->subprotocol.empty() || first.find(opened->subprotocol) != std::string_view::npos);
  if (opened->deflate) {
    CHECK(opened->deflate->hub_bits >= kDeflateBitsMin);
    CHECK(opened->deflate->hub_bits <= kDeflateBitsMax);
    // What we say is an offer that we would meet.
    CHECK(agree_on_deflate({opened->deflate->text()})->has_value());
  }
  return 0;
}
