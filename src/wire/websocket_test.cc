#include "wire/websocket.h"

#include <gtest/gtest.h>

namespace carillon {
namespace {

std::string frame(WebSocketOpcode opcode, std::string_view payload) {
  std::string out;
  append_websocket_frame(out, opcode, payload);
  return out;
}

// RFC 6455 section 5.7.
TEST(WebSocketFrame, IsWrittenAsTheExamplesOfTheStandard) {
  EXPECT_EQ(frame(WebSocketOpcode::text, "Hello"), "\x81\x05Hello");
  EXPECT_EQ(frame(WebSocketOpcode::ping, "Hello"), "\x89\x05Hello");
  EXPECT_EQ(frame(WebSocketOpcode::binary, std::string(256, 'x')).substr(0, 4),
            std::string("\x82\x7E\x01\x00", 4));
  EXPECT_EQ(frame(WebSocketOpcode::binary, std::string(65'536, 'x')).substr(0, 10),
            std::string("\x82\x7F\0\0\0\0\0\x01\0\0", 10));

  std::string masked;
  append_client_frame(masked, {.mask = {'\x37', '\xfa', '\x21', '\x3d'}}, "Hello");
  EXPECT_EQ(masked, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

TEST(WebSocketFrame, AroundBytesInPlaceIsTheSame) {
  for (const size_t size : {0, 1, 125, 126, 127, 65'535, 65'536, 200'000}) {
    const std::string payload(size, 'p');
    std::string out = "before";

    const size_t from = open_websocket_frame(out);
    out += payload;
    close_websocket_frame(out, from, WebSocketOpcode::text, Compressed::yes);

    std::string expected = "before";
    append_websocket_frame(expected, WebSocketOpcode::text, payload, Compressed::yes);
    EXPECT_EQ(out, expected) << size;
  }
}

TEST(WebSocketFrame, SaysHowLongItIs) {
  for (const size_t size : {0, 1, 125, 126, 127, 65'535, 65'536, 200'000}) {
    const std::string whole = frame(WebSocketOpcode::binary, std::string(size, 'p'));

    EXPECT_EQ(websocket_frame_bytes(whole), whole.size());
  }
}

TEST(WebSocketFrame, AMaskedPayloadIsUnmaskedInPieces) {
  const WebSocketMask mask = {'\x12', '\x34', '\x56', '\x78'};
  const std::string payload = "a payload of some bytes";
  for (size_t cut = 0; cut <= payload.size(); ++cut) {
    std::string bytes = payload;

    unmask(bytes.data(), cut, mask, 0);
    unmask(bytes.data() + cut, bytes.size() - cut, mask, cut);
    unmask(bytes.data(), bytes.size(), mask, 0);

    EXPECT_EQ(bytes, payload);
  }
}

TEST(CloseFrame, HoldsCodeAndReason) {
  std::string out;

  append_close_frame(out, kCloseGap, "gap");

  EXPECT_EQ(out, std::string("\x88\x05\x11\x3Agap"));
}

TEST(CloseFrame, CutsALongReasonAtTheEndOfACharacter) {
  std::string reason(122, 'r');
  reason += "é";
  std::string out;

  append_close_frame(out, kCloseNormal, reason);

  EXPECT_EQ(out.size(), 2 + 2 + 122U);
}

TEST(CloseCode, MayBeSentOrNot) {
  for (const uint16_t code : {1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4408, 4999})
    EXPECT_TRUE(is_close_code(code)) << code;
  for (const uint16_t code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65'535})
    EXPECT_FALSE(is_close_code(code)) << code;
}

}  // namespace
}  // namespace carillon
