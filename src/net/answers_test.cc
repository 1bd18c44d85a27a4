#include "net/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/fake_exchange.h"

namespace carillon {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string field(const std::vector<HeaderField>& fields, std::string_view name) {
  for (const auto& one : fields) {
    if (one.name == name) return one.value;
  }
  return {};
}

TEST(Answers, ATokenIsAskedForAsRfc6750Says) {
  EXPECT_EQ(unauthorized(false).status, 401);
  EXPECT_EQ(field(unauthorized(false).fields, "www-authenticate"), "Bearer");
  EXPECT_EQ(field(unauthorized(true).fields, "www-authenticate"),
            R"(Bearer error="invalid_token")");
}

TEST(Answers, ATokenWithoutTheRightIs403AndSaysWhich) {
  const auto response = forbidden("publish to a");

  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body, HasSubstr("publish to a"));
}

TEST(Answers, EachFailureOfTheLogHasItsStatus) {
  constexpr std::pair<Errc, int> kStatus[] = {
      {Errc::bad_input, 400}, {Errc::not_found, 404},   {Errc::conflict, 409},
      {Errc::denied, 403},    {Errc::unavailable, 503}, {Errc::busy, 503},
      {Errc::too_large, 413}, {Errc::too_many, 429},    {Errc::full, 507},
      {Errc::corrupt, 500},   {Errc::io, 500}};
  for (const auto& [code, status] : kStatus) {
    EXPECT_EQ(log_error_response({code, "why"}).status, status) << name_of(code);
  }
}

TEST(Answers, WhatPassesSaysWhenToTryAgain) {
  for (const Errc code : {Errc::unavailable, Errc::busy, Errc::full, Errc::too_many}) {
    EXPECT_EQ(field(log_error_response({code, ""}).fields, "retry-after"), "1") << name_of(code);
  }
  for (const Errc code : {Errc::bad_input, Errc::io, Errc::conflict}) {
    EXPECT_EQ(field(log_error_response({code, ""}).fields, "retry-after"), "") << name_of(code);
  }
}

TEST(Answers, JsonIsNeitherStoredNorSniffed) {
  const auto response = json_response(200, "{}");

  EXPECT_EQ(field(response.fields, "content-type"), "application/json");
  EXPECT_EQ(field(response.fields, "cache-control"), "no-store");
  EXPECT_EQ(field(response.fields, "x-content-type-options"), "nosniff");
}

TEST(Answers, LoopbackHostsAreItsNamesWithAnyPort) {
  for (const std::string_view host :
       {"localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8080"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const std::string_view host :
       {"", "localhost.evil.example", "evil-localhost", "localhost:80x", "localhost:80:80",
        "127.0.0.1.evil.example", "127.0.0.2", "::1", "[::1", "[::1]x", "0.0.0.0", "xlocalhost"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

TEST(Answers, LoopbackOriginsAreSchemeAndLoopbackHostAndNothingElse) {
  for (const std::string_view origin :
       {"http://localhost", "http://localhost:3000", "https://127.0.0.1:8443", "http://[::1]:1"}) {
    EXPECT_TRUE(is_loopback_origin(origin)) << origin;
  }
  for (const std::string_view origin :
       {"", "null", "localhost", "http://localhost/", "http://localhost.evil.example",
        "http://evil.example/?http://localhost", "file://localhost", "HTTP://localhost:x",
        "http://user@localhost", "https://localhost:3000/path"}) {
    EXPECT_FALSE(is_loopback_origin(origin)) << origin;
  }
}

class CorsTest : public testing::Test {
 protected:
  std::vector<HeaderField> cors(std::vector<HeaderField> request, bool loopback_origins) {
    const FakeExchange exchange(loop, "GET", "/t/a", std::move(request));
    return cors_fields(exchange, {"https://app.example"}, loopback_origins);
  }

  Loop loop{0};
};

TEST_F(CorsTest, WithoutAnOriginNothingIsSaid) { EXPECT_THAT(cors({}, true), IsEmpty()); }

TEST_F(CorsTest, AListedOriginIsEchoedExactlyAndNeverAStar) {
  const auto fields = cors({{"origin", "https://app.example"}}, false);

  EXPECT_EQ(field(fields, "access-control-allow-origin"), "https://app.example");
  EXPECT_EQ(field(fields, "access-control-allow-credentials"), "true");
  EXPECT_THAT(field(fields, "access-control-expose-headers"), HasSubstr("carillon-cursor"));
  EXPECT_THAT(fields, Contains(HeaderField{"vary", "Origin"}));
}

TEST_F(CorsTest, AnyOtherOriginIsNotAllowedButTheAnswerStillVaries) {
  for (const char* origin : {"https://evil.example", "null", "https://app.example.evil.example",
                             "http://app.example", "https://app.example:444",
                             "https://app.example/", "HTTPS://APP.EXAMPLE", "http://localhost:1"}) {
    EXPECT_THAT(cors({{"origin", origin}}, false), ElementsAre(HeaderField{"vary", "Origin"}))
        << origin;
  }
}

TEST_F(CorsTest, InDevLoopbackOriginsAreAllowed) {
  const auto fields = cors({{"origin", "http://localhost:3000"}}, true);

  EXPECT_EQ(field(fields, "access-control-allow-origin"), "http://localhost:3000");
}

TEST(NoneMatch, TagsAreComparedWeaklyInAList) {
  EXPECT_TRUE(none_match("\"a\"", "\"a\""));
  EXPECT_TRUE(none_match("W/\"a\"", "\"a\""));
  EXPECT_TRUE(none_match("\"a\"", "W/\"a\""));
  EXPECT_TRUE(none_match("\"x\" , W/\"a\"", "W/\"a\""));
  EXPECT_TRUE(none_match("*", "\"a\""));
  EXPECT_FALSE(none_match("", "\"a\""));
  EXPECT_FALSE(none_match("\"b\"", "\"a\""));
  EXPECT_FALSE(none_match("\"ab\", \"b\"", "\"a\""));
  EXPECT_FALSE(none_match("a", "\"a\""));
}

}  // namespace
}  // namespace carillon
