#include "net/http1_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"

namespace carillon {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

std::string answer(const Response& response, std::string_view method = "GET",
                   bool keep_alive = true) {
  std::string out;
  append_http1_answer(out, response, method, keep_alive);
  return out;
}

TEST(Http1Text, AnAnswerIsStatusLineFieldsLengthAndBody) {
  const auto text = answer({.status = 201, .fields = {{"location", "/t/a"}}, .body = "hello"});

  EXPECT_TRUE(text.starts_with("HTTP/1.1 201 Created\r\nlocation: /t/a\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\ncontent-length: 5\r\n"));
  EXPECT_TRUE(text.ends_with("\r\n\r\nhello"));
  EXPECT_THAT(text, Not(HasSubstr("connection:")));
}

TEST(Http1Text, CarriesADateAsRfc9110Wants) {
  EXPECT_THAT(answer({}), ContainsRegex("\r\ndate: [A-Z][a-z][a-z], [0-9][0-9] [A-Z][a-z][a-z] "
                                        "20[0-9][0-9] [0-9:]+ GMT\r\n"));
}

TEST(Http1Text, AnAnswerBeforeTheEndOfTheConnectionSaysSo) {
  EXPECT_THAT(answer({}, "GET", false), HasSubstr("\r\nconnection: close\r\n"));
}

TEST(Http1Text, HeadGetsTheLengthWithoutTheBody) {
  const auto text = answer({.body = "hello"}, "HEAD");

  EXPECT_THAT(text, HasSubstr("\r\ncontent-length: 5\r\n"));
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST(Http1Text, AnswersThatMayHaveNoBodyHaveNeitherBodyNorLength) {
  for (const int status : {204, 304}) {
    const auto text = answer({.status = status, .body = "hello"});
    EXPECT_THAT(text, Not(HasSubstr("content-length"))) << status;
    EXPECT_TRUE(text.ends_with("\r\n\r\n")) << status;
  }
}

TEST(Http1Text, AnEmptyBodyHasTheLengthZero) {
  EXPECT_THAT(answer({}), HasSubstr("\r\ncontent-length: 0\r\n"));
}

TEST(Http1Text, TheHeadOfAStreamSaysHowItsBodyEnds) {
  std::string chunked;
  append_http1_stream_head(chunked, {.fields = {{"content-type", "text/event-stream"}}}, true);
  std::string plain;
  append_http1_stream_head(plain, {}, false);

  EXPECT_THAT(chunked, HasSubstr("content-type: text/event-stream\r\n"));
  EXPECT_TRUE(chunked.ends_with("transfer-encoding: chunked\r\n\r\n"));
  EXPECT_THAT(chunked, Not(HasSubstr("content-length")));
  EXPECT_TRUE(plain.ends_with("connection: close\r\n\r\n"));
  EXPECT_THAT(plain, Not(HasSubstr("transfer-encoding")));
}

TEST(Http1Text, EveryStatusOfOurProblemsHasItsReason) {
  for (const ProblemKind& kind : kProblemKinds) {
    EXPECT_NE(reason_phrase(kind.status), "Status") << kind.status;
  }
  EXPECT_EQ(reason_phrase(299), "Status");
}

TEST(Http1Text, AHeadThatIsTooLargeIsToldByWhatMakesItSo) {
  const auto target = oversize_head("GET /" + std::string(kHeadBytesMax, 'a'));
  const auto fields = oversize_head("GET / HTTP/1.1\r\n" + std::string(kHeadBytesMax, 'a'));

  EXPECT_EQ(target.status, 414);
  EXPECT_EQ(fields.status, 431);
}

TEST(Http1Text, ABodyThatIsTooLargeIs413) {
  const auto response = body_too_large(2'000'000);

  EXPECT_EQ(response.status, 413);
  EXPECT_THAT(response.body, HasSubstr("2000000 bytes"));
}

}  // namespace
}  // namespace carillon
