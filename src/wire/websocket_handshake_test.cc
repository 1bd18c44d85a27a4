#include "wire/websocket_handshake.h"

#include <gmock/gmock.h>

#include <array>

namespace carillon {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr std::array<std::string_view, 2> kOurs = {"carillon.v1.json", "cloudevents.json"};

// A good request, with these fields instead of or besides its own.
RequestHead request(const std::vector<HeaderField>& changes = {}) {
  RequestHead head{.method = "GET",
                   .target = "/ws",
                   .fields = {{"host", "localhost"},
                              {"upgrade", "websocket"},
                              {"connection", "Upgrade"},
                              {"sec-websocket-version", "13"},
                              {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}}};
  for (const HeaderField& change : changes) {
    std::erase_if(head.fields, [&](const HeaderField& field) { return field.name == change.name; });
  }
  head.fields.insert(head.fields.end(), changes.begin(), changes.end());
  return head;
}

std::string subprotocol_for(const std::vector<HeaderField>& changes) {
  const auto opened = open_websocket(request(changes), kOurs, OfferDeflate::no);
  return opened ? opened->subprotocol : "refused";
}

int refused_with(const RequestHead& head) {
  const auto opened = open_websocket(head, kOurs, OfferDeflate::yes);
  return opened ? 0 : opened.error().status;
}

TEST(WebSocketHandshake, C_C1_4_AcceptsTheKeyOfTheStandardsExample) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocketHandshake, C_C1_1_IsAskedForWithWhateverCase) {
  EXPECT_TRUE(asks_for_websocket(request({{"upgrade", "h2c, WebSocket"}})));
  EXPECT_FALSE(asks_for_websocket(request({{"upgrade", "h2c"}})));
  EXPECT_EQ(refused_with(request({{"connection", "keep-alive, UPGRADE"}})), 0);
  EXPECT_EQ(refused_with(request({{"connection", "keep-alive"}})), 400);
  auto post = request();
  post.method = "POST";
  EXPECT_EQ(refused_with(post), 400);
  auto old = request();
  old.minor = 0;
  EXPECT_EQ(refused_with(old), 400);
}

TEST(WebSocketHandshake, C_C1_2_TakesAKeyOfSixteenBytesOnce) {
  for (const char* key : {"", "abc", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "AAAA"})
    EXPECT_EQ(refused_with(request({{"sec-websocket-key", key}})), 400) << key;
  EXPECT_EQ(refused_with(request({{"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
                                  {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}})),
            400);
}

TEST(WebSocketHandshake, C_C1_3_AnotherVersionNeedsAnUpgrade) {
  for (const char* version : {"8", "12", "14", "", "13x"})
    EXPECT_EQ(refused_with(request({{"sec-websocket-version", version}})), 426) << version;
  EXPECT_THAT(websocket_version_fields(), Contains(HeaderField{"sec-websocket-version", "13"}));
}

TEST(WebSocketHandshake, C_C1_5_AnswersOneSubprotocolThatWasOfferedAndIsOurs) {
  EXPECT_EQ(subprotocol_for({}), "");
  EXPECT_EQ(subprotocol_for({{"sec-websocket-protocol", "chat"}}), "");
  EXPECT_EQ(subprotocol_for({{"sec-websocket-protocol", "chat, cloudevents.json"}}),
            "cloudevents.json");
  EXPECT_EQ(subprotocol_for({{"sec-websocket-protocol", "cloudevents.json"},
                             {"sec-websocket-protocol", "carillon.v1.json"}}),
            "carillon.v1.json");
  EXPECT_EQ(subprotocol_for({{"sec-websocket-protocol", "CloudEvents.JSON"}}), "");
  EXPECT_EQ(subprotocol_for({{"sec-websocket-protocol", "a b"}}), "refused");
}

TEST(WebSocketHandshake, C_C1_6_AnswersOnlyExtensionsThatWereOfferedAndAreWanted) {
  const auto offered =
      request({{"sec-websocket-extensions", "x-other; a=\"b\", permessage-deflate"}});

  EXPECT_TRUE(open_websocket(offered, kOurs, OfferDeflate::yes)->deflate);
  EXPECT_FALSE(open_websocket(offered, kOurs, OfferDeflate::no)->deflate);
  EXPECT_FALSE(open_websocket(request(), kOurs, OfferDeflate::yes)->deflate);
  EXPECT_EQ(refused_with(request({{"sec-websocket-extensions", "permessage-deflate; ="}})), 400);
}

TEST(WebSocketHandshake, TheAnswerHasWhatTheStandardWants) {
  const auto fields = open_websocket(request({{"sec-websocket-protocol", "cloudevents.json"},
                                              {"sec-websocket-extensions", "permessage-deflate"}}),
                                     kOurs, OfferDeflate::yes)
                          ->fields();

  EXPECT_THAT(fields, Contains(HeaderField{"upgrade", "websocket"}));
  EXPECT_THAT(fields, Contains(HeaderField{"connection", "Upgrade"}));
  EXPECT_THAT(fields,
              Contains(HeaderField{"sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}));
  EXPECT_THAT(fields, Contains(HeaderField{"sec-websocket-protocol", "cloudevents.json"}));
}

}  // namespace
}  // namespace carillon
