#include "net/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "wire/chunked.h"

namespace carillon {
namespace {

using testing::HasSubstr;

std::string unchunked(std::string_view wire) {
  ChunkedDecoder decoder;
  std::string data;
  while (!wire.empty() && !decoder.done()) {
    const auto step = decoder.feed(wire);
    if (!step) return "refused";
    data += step->data;
    wire.remove_prefix(step->consumed);
  }
  return decoder.done() ? data : "unfinished";
}

TEST(StreamFrame, IsOneChunkOfFixedWidthBehindWhatIsThere) {
  std::string out = "before";

  const size_t from = open_stream_frame(out, StreamFraming::chunked);
  out += "hello";
  close_stream_frame(out, from, StreamFraming::chunked);

  EXPECT_EQ(out, "before00000005\r\nhello\r\n");
}

TEST(StreamFrame, ItsLengthIsHexadecimal) {
  std::string out;

  const size_t from = open_stream_frame(out, StreamFraming::chunked);
  out.append(0xabc, 'x');
  close_stream_frame(out, from, StreamFraming::chunked);

  EXPECT_TRUE(out.starts_with("00000abc\r\nx"));
}

TEST(StreamFrame, PlainFramesHaveNothingAroundThem) {
  std::string out = "before";

  const size_t from = open_stream_frame(out, StreamFraming::plain);
  out += "hello";
  close_stream_frame(out, from, StreamFraming::plain);

  EXPECT_EQ(out, "beforehello");
}

RC_GTEST_PROP(StreamFrame, AnyFramesBehindEachOtherAreOneChunkedBody, ()) {
  const auto frames = *rc::gen::container<std::vector<std::string>>(
      rc::gen::nonEmpty(rc::gen::arbitrary<std::string>()));
  std::string out;
  std::string expected;
  for (const auto& frame : frames) {
    const size_t from = open_stream_frame(out, StreamFraming::chunked);
    out += frame;
    close_stream_frame(out, from, StreamFraming::chunked);
    expected += frame;
  }
  out += kLastChunk;

  RC_ASSERT(unchunked(out) == expected);
}

TEST(ProblemResponse, IsAProblemThatNobodyStores) {
  const auto response =
      problem_response(make_problem(kNotFound, "there is no x", "Look."), R"("a":1)");

  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.fields,
              testing::ElementsAre(HeaderField{"content-type", "application/problem+json"},
                                   HeaderField{"cache-control", "no-store"}));
  EXPECT_THAT(response.body, HasSubstr("/problems/not-found"));
  EXPECT_THAT(response.body, HasSubstr(R"("a":1)"));
}

}  // namespace
}  // namespace carillon
