#include "wire/websocket_parser.h"

#include <gmock/gmock.h>

#include "testing/pieces.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr size_t kMessageBytesMax = 1000;
constexpr WebSocketMask kMask = {'\x1f', '\x8b', '\x00', '\xfe'};

struct Outcome {
  std::vector<std::string> items;
  uint16_t refused = 0;
  size_t fed = 0;  // until it was refused
};

std::string text_of(const WebSocketItem& item) {
  constexpr std::array<std::string_view, 5> kKinds = {"text ", "binary ", "ping ", "pong ",
                                                      "close "};
  std::string out(kKinds[static_cast<size_t>(item.kind)]);
  if (item.kind == WebSocketItem::Kind::close) out += std::to_string(item.code) + " ";
  return out + item.data;
}

// What comes of `bytes`, `step` at a time.
Outcome read(std::string_view bytes, size_t step, WebSocketParser::Options options) {
  WebSocketParser parser(options);
  Outcome outcome;
  while (!bytes.empty()) {
    auto piece = bytes.substr(0, step);
    while (!piece.empty()) {
      const auto taken = parser.feed(piece);
      if (!taken) {
        outcome.refused = taken.error().code;
        return outcome;
      }
      if (taken->item) outcome.items.push_back(text_of(*taken->item));
      outcome.fed += taken->consumed;
      piece.remove_prefix(taken->consumed);
    }
    bytes.remove_prefix(std::min(step, bytes.size()));
  }
  return outcome;
}

constexpr WebSocketParser::Options kPlain{.message_bytes_max = kMessageBytesMax};
constexpr WebSocketParser::Options kDeflate{.message_bytes_max = kMessageBytesMax, .deflate = true};

// The same, however it is cut.
Outcome read(std::string_view bytes, WebSocketParser::Options options = kPlain) {
  const Outcome whole = read(bytes, bytes.size(), options);
  for (const size_t step : {1, 2, 3, 7}) {
    const Outcome cut = read(bytes, step, options);
    EXPECT_EQ(cut.items, whole.items) << step;
    EXPECT_EQ(cut.refused, whole.refused) << step;
  }
  return whole;
}

std::string frame(WebSocketOpcode opcode, std::string_view payload, bool fin = true,
                  Compressed compressed = Compressed::no) {
  std::string out;
  append_client_frame(out, {.opcode = opcode, .fin = fin, .compressed = compressed, .mask = kMask},
                      payload);
  return out;
}

std::string text(std::string_view payload, bool fin = true) {
  return frame(WebSocketOpcode::text, payload, fin);
}
std::string more(std::string_view payload, bool fin = true) {
  return frame(WebSocketOpcode::continuation, payload, fin);
}

std::string deflated(std::string_view message) {
  std::string out;
  Deflater(kDeflateBitsMax).append(out, message);
  return out;
}

TEST(WebSocketParser, TakesMessagesOfBothKindsWholeAndInFragments) {
  const auto outcome =
      read(text("one") + frame(WebSocketOpcode::binary, "\xff\x01") + text("a", false) +
           more("", false) + more("b", false) + more("c") + text(""));

  EXPECT_THAT(outcome.items, ElementsAre("text one", "binary \xff\x01", "text abc", "text "));
}

TEST(WebSocketParser, TakesControlFramesBetweenFragments) {
  const auto outcome = read(text("a", false) + frame(WebSocketOpcode::ping, "p") +
                            more("b", false) + frame(WebSocketOpcode::pong, "") + more("c"));

  EXPECT_THAT(outcome.items, ElementsAre("ping p", "pong ", "text abc"));
}

TEST(WebSocketParser, ReadsAServersFramesAsAClient) {
  std::string bytes;
  append_websocket_frame(bytes, WebSocketOpcode::text, "hello");
  const WebSocketParser::Options client{.reads = WebSocketParser::Reads::server_frames,
                                        .message_bytes_max = kMessageBytesMax};

  EXPECT_THAT(read(bytes, client).items, ElementsAre("text hello"));
  EXPECT_EQ(read(text("hello"), client).refused, kCloseProtocolError);
  EXPECT_EQ(read(bytes).refused, kCloseProtocolError);
}

TEST(WebSocketParser, TakesAMessageOfTheLargestSizeAndNoneBeyond) {
  const std::string largest(kMessageBytesMax, 'x');

  EXPECT_THAT(read(text(largest)).items, ElementsAre("text " + largest));
  EXPECT_EQ(read(text(largest + 'x')).refused, kCloseTooLarge);
  EXPECT_EQ(read(text(largest, false) + more("x")).refused, kCloseTooLarge);
}

TEST(WebSocketParser, ASizeThatIsOnlyClaimedTakesNoMemoryAndIsRefusedAtOnce) {
  // 2^62 bytes, of which none came.
  const std::string claim("\x82\xFF\x40\0\0\0\0\0\0\0abcd", 14);

  EXPECT_EQ(read(claim).refused, kCloseTooLarge);
  WebSocketParser parser({.message_bytes_max = size_t{1} << 30});
  ASSERT_TRUE(parser.feed(std::string("\x82\xFF\0\0\0\0\x20\0\0\0abcdxx", 16)));
  EXPECT_EQ(parser.held_bytes(), 2U);
}

struct HostileRow {
  std::string name;
  std::string bytes;
  uint16_t code;
};

// CONFORMANCE C2 and C3: what is refused, and how.
std::vector<HostileRow> hostile_rows() {
  const auto close = [](std::string_view payload) {
    return frame(WebSocketOpcode::close, payload);
  };
  return {
      {"C2.1 not masked", "\x81\x01x", 1002},
      {"C2.2 RSV1", "\xC1\x80mask", 1002},
      {"C2.2 RSV2", "\xA1\x80mask", 1002},
      {"C2.2 RSV3", "\x91\x80mask", 1002},
      {"C2.3 opcode 3", "\x83\x80mask", 1002},
      {"C2.3 opcode 7", "\x87\x80mask", 1002},
      {"C2.3 opcode 11", "\x8B\x80mask", 1002},
      {"C2.3 opcode 15", "\x8F\x80mask", 1002},
      {"C2.4 125 bytes said in two", std::string("\x81\xFE\x00\x7Dmask", 8), 1002},
      {"C2.4 65535 bytes said in eight", std::string("\x81\xFF\0\0\0\0\0\0\xFF\xFFmask", 14), 1002},
      {"C2.4 the top bit", std::string("\x81\xFF\x80\0\0\0\0\0\0\0mask", 14), 1002},
      {"C2.5 a ping of 126 bytes", std::string("\x89\xFE\x00\x7Emask", 8), 1002},
      {"C2.5 a ping in fragments", std::string("\x09\x80mask"), 1002},
      {"C2.5 a close in fragments", std::string("\x08\x80mask"), 1002},
      {"C2.7 a continuation of nothing", more("x"), 1002},
      {"C2.7 a message inside another", text("a", false) + text("b"), 1002},
      {"C2.7 a continuation behind the end", text("a") + more("b"), 1002},
      {"C3.1 not UTF-8", text("\xC0\xAF"), 1007},
      {"C3.1 cut inside a character", text("\xE2\x82"), 1007},
      {"C3.1 over two fragments", text("\xE2", false) + more("\x28\xA1"), 1007},
      {"C3.1 a surrogate", text("\xED\xA0\x80"), 1007},
      {"C3.3 half a code", close("\x03"), 1002},
      {"C3.3 a reason that is not UTF-8", close("\x03\xE8\xFF"), 1007},
      {"C3.5 code 0", close(std::string("\0\0", 2)), 1002},
      {"C3.5 code 999", close("\x03\xE7"), 1002},
      {"C3.5 code 1004", close("\x03\xEC"), 1002},
      {"C3.5 code 1005", close("\x03\xED"), 1002},
      {"C3.5 code 1006", close("\x03\xEE"), 1002},
      {"C3.5 code 1015", close("\x03\xF7"), 1002},
      {"C3.5 code 1016", close("\x03\xF8"), 1002},
      {"C3.5 code 2999", close("\x0B\xB7"), 1002},
      {"C3.5 code 5000", close("\x13\x88"), 1002},
  };
}

TEST(WebSocketParser, RefusesEachHostileFrameWithItsCode) {
  for (const HostileRow& row : hostile_rows()) {
    EXPECT_EQ(read(row.bytes).refused, row.code) << row.name;
  }
}

TEST(WebSocketParser, RefusesTextAtTheFirstImpossibleByte) {
  // CONFORMANCE C3.2: not at the end of the frame, which may never come.
  const std::string bytes = text("good \xF4\x90 and much behind it");

  const Outcome outcome = read(bytes, 1, kPlain);

  EXPECT_EQ(outcome.refused, kCloseBadData);
  EXPECT_EQ(outcome.fed, 6 + 6U);  // header and mask; five letters and F4
}

TEST(WebSocketParser, TakesCloseWithAndWithoutCode) {
  EXPECT_THAT(read(frame(WebSocketOpcode::close, "")).items, ElementsAre("close 1005 "));
  EXPECT_THAT(read(frame(WebSocketOpcode::close, "\x03\xE8 bye")).items,
              ElementsAre("close 1000  bye"));
}

// --- compression (CONFORMANCE C4) ----------------------------------------------------------------

std::string compressed_text(std::string_view payload, bool fin = true) {
  return frame(WebSocketOpcode::text, payload, fin, Compressed::yes);
}

TEST(WebSocketParser, InflatesMessagesWholeAndInFragmentsAmongPlainOnes) {
  const std::string payload = deflated("hello hello hello hello");
  const auto outcome =
      read(compressed_text(payload) + text("plain") + compressed_text(payload.substr(0, 3), false) +
               frame(WebSocketOpcode::ping, "p") + more(payload.substr(3)) +
               compressed_text(deflated("")),
           kDeflate);

  EXPECT_THAT(outcome.items, ElementsAre("text hello hello hello hello", "text plain", "ping p",
                                         "text hello hello hello hello", "text "));
}

// RFC 7692 section 7.2.3.
TEST(WebSocketParser, InflatesTheExamplesOfTheStandard) {
  const std::string one("\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
  const std::string stored("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11);
  const std::string final_block("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8);
  const std::string two_blocks("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13);

  for (const std::string& payload : {one, stored, final_block, two_blocks})
    EXPECT_THAT(read(compressed_text(payload), kDeflate).items, ElementsAre("text Hello"));
}

TEST(WebSocketParser, RefusesRsv1WhereNoCompressedMessageBegins) {
  EXPECT_EQ(read("\xC9\x80mask", kDeflate).refused, kCloseProtocolError);
  const std::string in_continuation =
      compressed_text(deflated("ab"), false) +
      frame(WebSocketOpcode::continuation, "x", true, Compressed::yes);
  EXPECT_EQ(read(in_continuation, kDeflate).refused, kCloseProtocolError);
}

TEST(WebSocketParser, RefusesABombAndWhatIsNoDeflateStream) {
  const std::string bomb = deflated(std::string(10'000'000, 'x'));

  EXPECT_EQ(read(compressed_text(bomb), kDeflate).refused, kCloseTooLarge);
  EXPECT_EQ(read(compressed_text("\xff\xff\xff\xff"), kDeflate).refused, kCloseBadData);
  const auto outcome =
      read(compressed_text(deflated(std::string(kMessageBytesMax, 'x'))), kDeflate);
  EXPECT_THAT(outcome.items, testing::SizeIs(1));
}

TEST(WebSocketParser, RefusesACompressedMessageThatWasCutShortInsteadOfGivingWhatItBeganWith) {
  const std::string whole = deflated(R"({"id":"1","amount":100000,"to":"alice"})");

  for (size_t bytes = 1; bytes < whole.size() - 1; ++bytes) {
    const Outcome outcome = read(compressed_text(whole.substr(0, bytes)), kDeflate);
    EXPECT_THAT(outcome.items, IsEmpty()) << bytes;
    EXPECT_EQ(outcome.refused, kCloseBadData) << bytes;
  }
}

TEST(WebSocketParser, ChecksTheInflatedText) {
  EXPECT_EQ(read(compressed_text(deflated("ab\xC0\xAF")), kDeflate).refused, kCloseBadData);
  EXPECT_EQ(read(compressed_text(deflated("ab\xE2\x82")), kDeflate).refused, kCloseBadData);
}

TEST(WebSocketParser, KeepsNothingBetweenMessages) {
  WebSocketParser parser(kDeflate);

  ASSERT_TRUE(parser.feed(compressed_text(deflated("one")))->item);
  EXPECT_EQ(parser.held_bytes(), 0U);
  // A client that kept its window would refer to it here.
  EXPECT_THAT(read(compressed_text(deflated("one")), kDeflate).items, ElementsAre("text one"));
}

}  // namespace
}  // namespace carillon
