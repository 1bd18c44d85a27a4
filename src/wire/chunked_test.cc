#include "wire/chunked.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "base/limits.h"

namespace carillon {
namespace {

struct Decoded {
  std::string body;
  bool done = false;
  bool refused = false;
  size_t left = 0;  // bytes behind the end
};

// Feeds `bytes` in pieces of `step`.
Decoded decode(std::string_view bytes, size_t step) {
  ChunkedDecoder decoder;
  Decoded decoded;
  for (size_t at = 0; at < bytes.size() && !decoder.done(); at += step) {
    auto piece = bytes.substr(at, step);
    while (!piece.empty() && !decoder.done()) {
      const auto fed = decoder.feed(piece);
      if (!fed) {
        EXPECT_EQ(fed.error().status, 400);
        decoded.refused = true;
        return decoded;
      }
      decoded.body += fed->data;
      piece.remove_prefix(fed->consumed);
    }
    decoded.left = piece.size() + (bytes.size() - std::min(bytes.size(), at + step));
  }
  decoded.done = decoder.done();
  return decoded;
}

void expect_refused(std::string_view bytes, std::string_view what) {
  EXPECT_TRUE(decode(bytes, bytes.size()).refused) << what;
  EXPECT_TRUE(decode(bytes, 1).refused) << what << ", byte by byte";
}

void expect_body(std::string_view bytes, std::string_view body) {
  for (const size_t step : {bytes.size(), size_t{1}, size_t{3}}) {
    const auto decoded = decode(bytes, step);
    EXPECT_TRUE(decoded.done) << bytes;
    EXPECT_EQ(decoded.body, body);
    EXPECT_EQ(decoded.left, 0);
  }
}

TEST(Chunked, ABodyOfSeveralChunksIsPutTogether) {
  expect_body("5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n", "hello, world");
  expect_body("0\r\n\r\n", "");
  expect_body("00005\r\nhello\r\n000\r\n\r\n", "hello");
}

TEST(Chunked, SizesAreHexadecimalInEitherCase) {
  expect_body("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a");
}

TEST(Chunked, DataMayHoldLineEndsAndWhatLooksLikeChunks) {
  expect_body("9\r\n\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n\r\n");
}

TEST(Chunked, DataIsAViewOfWhatWasFed) {
  const std::string_view bytes = "5\r\nhello\r\n0\r\n\r\n";
  ChunkedDecoder decoder;

  const auto step = decoder.feed(bytes);

  ASSERT_TRUE(step);
  EXPECT_EQ(step->data, "hello");
  EXPECT_EQ(step->data.data(), bytes.data() + 3);
  EXPECT_EQ(step->consumed, 8);
}

TEST(Chunked, BytesBehindTheEndBelongToTheNextRequest) {
  const auto decoded = decode("0\r\n\r\nGET / HTTP/1.1\r\n", 1000);

  EXPECT_TRUE(decoded.done);
  EXPECT_EQ(decoded.left, 16);
}

TEST(Chunked, OnceDoneNothingMoreIsTaken) {
  ChunkedDecoder decoder;
  ASSERT_TRUE(decoder.feed("0\r\n\r\n"));

  const auto step = decoder.feed("5\r\nhello");

  ASSERT_TRUE(step);
  EXPECT_EQ(step->consumed, 0);
  EXPECT_TRUE(decoder.done());
}

TEST(Chunked, ABodyThatBreaksOffIsNotDone) {
  const std::string_view whole = "5\r\nhello\r\n0\r\n\r\n";

  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    const auto decoded = decode(whole.substr(0, bytes), 2);
    EXPECT_FALSE(decoded.done) << bytes;
    EXPECT_FALSE(decoded.refused) << bytes;
  }
}

TEST(Chunked, ASizeThatIsNotBareHexadecimalIsRefusedAsF110Says) {
  for (const std::string_view size : {"",
                                      "g",
                                      "-1",
                                      "+1",
                                      "0x5",
                                      " 5",
                                      "5 ",
                                      "5\t",
                                      "5,",
                                      "5 ;a",
                                      "5;",
                                      "5; a=b",
                                      "5;a=",
                                      "5;=b",
                                      "5;a =b",
                                      "5;a=\"b",
                                      "5;a=\"b\"c",
                                      "5a g",
                                      "00000000000000005",
                                      "ffffffffffffffffff"}) {
    expect_refused(std::string(size) + "\r\nhello\r\n0\r\n\r\n", size);
  }
}

TEST(Chunked, ASizeThatOverflowsIsRefused) {
  ChunkedDecoder decoder;
  EXPECT_TRUE(decoder.feed("ffffffffffffffff\r\n"));  // 64 bits hold it; the caller refuses so much

  expect_refused("10000000000000000\r\n", "one digit more");
}

TEST(Chunked, LineEndsMustBeExactAsF111Says) {
  expect_refused("5\nhello\r\n0\r\n\r\n", "bare LF behind the size");
  expect_refused("5\rhello\r\n0\r\n\r\n", "bare CR behind the size");
  expect_refused("5\r\r\nhello\r\n0\r\n\r\n", "two CRs behind the size");
  expect_refused("5\r\nhello\n0\r\n\r\n", "bare LF behind the data");
  expect_refused("5\r\nhello\r0\r\n\r\n", "bare CR behind the data");
  expect_refused("5\r\nhello0\r\n\r\n", "nothing behind the data");
  expect_refused("5\r\nhello!\r\n0\r\n\r\n", "more data than was said");
  expect_refused("6\r\nhello\r\n0\r\n\r\n", "less data than was said");
  expect_refused("0\r\n\n", "bare LF at the end");
}

TEST(Chunked, WellFormedExtensionsAreDroppedWithinABudget) {
  expect_body("5;a;b=c;d=\"e;\\\"f\"\r\nhello\r\n0;last\r\n\r\n", "hello");
  const std::string extension = ";" + std::string(kChunkExtensionBytesMax - 1, 'a');
  expect_body("5" + extension + "\r\nhello\r\n0\r\n\r\n", "hello");

  expect_refused("5" + extension + "a\r\nhello\r\n0\r\n\r\n", "one byte over the budget");
  expect_refused("5" + extension + "\r\nhello\r\n1;a\r\nx\r\n0\r\n\r\n",
                 "over the budget together");
}

TEST(Chunked, AControlCharacterInAnExtensionIsRefused) {
  using namespace std::string_literals;
  expect_refused("5;a=\"\x01\"\r\nhello\r\n0\r\n\r\n", "control character");
  expect_refused("5;a=\"\0\"\r\nhello\r\n0\r\n\r\n"s, "NUL");
}

TEST(Chunked, AnEndlessSizeLineIsRefusedBeforeItEnds) {
  ChunkedDecoder decoder;
  const std::string endless(kChunkExtensionBytesMax + 100, '5');

  EXPECT_FALSE(decoder.feed(endless));
}

TEST(Chunked, TrailersAreCheckedAndDroppedAsF112Says) {
  expect_body("5\r\nhello\r\n0\r\nAuthorization: Bearer x\r\nX-B: \r\n\r\n", "hello");

  expect_refused("0\r\nX-A : 1\r\n\r\n", "space before the colon");
  expect_refused("0\r\nX-A\r\n\r\n", "no colon");
  expect_refused("0\r\n folded\r\n\r\n", "folded line");
  expect_refused("0\r\nX-A: \x01\r\n\r\n", "control character");
  expect_refused("0\r\nX-A: 1\n\r\n", "bare line feed");
}

TEST(Chunked, TrailersOverTheirLimitAreRefused) {
  std::string trailers;
  while (trailers.size() <= kTrailerBytesMax) trailers += "X-A: 1\r\n";

  expect_refused("0\r\n" + trailers + "\r\n", "many");
  expect_refused("0\r\nX-A: " + std::string(kTrailerBytesMax, 'a') + "\r\n\r\n", "long");
}

RC_GTEST_PROP(Chunked, WhatIsWrittenIsReadBackHoweverItIsCut, ()) {
  const auto chunks = *rc::gen::arbitrary<std::vector<std::string>>();
  const auto step = *rc::gen::inRange<size_t>(1, 20);
  std::string bytes;
  std::string body;
  for (const auto& chunk : chunks) {
    if (chunk.empty()) continue;
    append_chunk_head(bytes, chunk.size());
    bytes += chunk;
    bytes += kChunkEnd;
    body += chunk;
  }
  bytes += kLastChunk;

  const auto decoded = decode(bytes, step);

  RC_ASSERT(decoded.done);
  RC_ASSERT(decoded.body == body);
}

RC_GTEST_PROP(Chunked, WhatIsAcceptedDoesNotDependOnHowItIsCut, ()) {
  const auto bytes = *rc::gen::container<std::string>(
      rc::gen::element('0', '1', '2', 'a', ';', '=', ':', '"', ' ', '\r', '\n', '\r', '\n'));
  const auto step = *rc::gen::inRange<size_t>(1, 10);
  const auto whole = decode(bytes, std::max<size_t>(bytes.size(), 1));

  const auto cut = decode(bytes, step);

  // A refusal may come sooner in one than in the other, but what comes of it is the same.
  RC_ASSERT(cut.refused == whole.refused);
  RC_ASSERT(cut.done == whole.done);
  if (!whole.refused) RC_ASSERT(cut.body == whole.body);
}

TEST(Chunked, HeadsAreWrittenInHexadecimal) {
  std::string out;

  append_chunk_head(out, 0x1a2f);

  EXPECT_EQ(out, "1a2f\r\n");
}

}  // namespace
}  // namespace carillon
