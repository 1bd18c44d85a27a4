#include "cli/websocket_client.h"

#include <gtest/gtest.h>

namespace carillon {
namespace {

const std::string kServer = "http://hub.example:81";

TEST(WebSocketUrl, IsOfAnyServerOrAPathOfTheHubs) {
  EXPECT_EQ(parse_websocket_url(kServer, "ws://a.example:8080/ws?x=1"),
            (WebSocketUrl{"a.example", "8080", "/ws?x=1"}));
  EXPECT_EQ(parse_websocket_url(kServer, "ws://a.example"), (WebSocketUrl{"a.example", "80", "/"}));
  EXPECT_EQ(parse_websocket_url(kServer, "ws://[::1]:9/a"), (WebSocketUrl{"::1", "9", "/a"}));
  EXPECT_EQ(parse_websocket_url(kServer, "ws://a?b"), (WebSocketUrl{"a", "80", "/?b"}));
  EXPECT_EQ(parse_websocket_url(kServer, "/t/news"),
            (WebSocketUrl{"hub.example", "81", "/t/news"}));
}

TEST(WebSocketUrl, ThatIsNoneIsRefused) {
  for (const char* url : {"", "localhost:8080", "ws://", "ws://a:0/", "ws://a:99999/", "ws://a:x/",
                          "ftp://a/", "wss://a/", "ws://a/b c", "ws://a/\r\nx: y"}) {
    const auto parsed = parse_websocket_url(kServer, url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().code, Errc::bad_input) << url;
  }
}

}  // namespace
}  // namespace carillon
