#include "out/topic_page.h"

#include <gtest/gtest.h>

#include <string>

#include "testing/fake_exchange.h"

namespace carillon {
namespace {

constexpr Epoch kEpoch{36};  // `10` in base 36

std::vector<TopicPattern> patterns(std::initializer_list<const char*> texts) {
  std::vector<TopicPattern> all;
  for (const char* text : texts) all.push_back(*TopicPattern::parse(text));
  return all;
}

TEST(TopicPage, ShowsTheEventsAndTheLinesToPaste) {
  const Page page{.events = R"({"data":"hello"})", .count = 1};

  const Response response = topic_html(patterns({"news"}), page, "http://localhost:8080");

  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find("The newest 1 events"), std::string::npos);
  EXPECT_NE(response.body.find("curl -d 'hello' 'http://localhost:8080/t/news'"),
            std::string::npos);
  EXPECT_NE(response.body.find("hello"), std::string::npos);
}

TEST(TopicPage, WhatAStrangerPublishedIsShownAndNeverRun) {
  const Page page{.events = R"({"data":"</pre><script>alert(1)</script>"})", .count = 1};

  const Response response = topic_html(patterns({"news"}), page, "http://x/'><script>");

  EXPECT_EQ(response.body.find("<script"), std::string::npos);
  EXPECT_NE(response.body.find("&lt;script&gt;alert(1)"), std::string::npos);
}

TEST(TopicPage, ScriptsAndFramesAreForbiddenToo) {
  const Response response = topic_html(patterns({"news"}), {}, "http://localhost");

  std::string policy;
  for (const HeaderField& field : response.fields) {
    if (field.name == "content-security-policy") policy = field.value;
  }
  EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
  EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
}

TEST(TopicPage, SeveralTopicsAreFollowedByTheStreamAndPublishedToByNobody) {
  const Response response = topic_html(patterns({"a", "b.*"}), {}, "http://localhost");

  EXPECT_NE(response.body.find("http://localhost/stream?topic=a&amp;topic=b.%2A"),
            std::string::npos);
  EXPECT_EQ(response.body.find("Publish to it"), std::string::npos);
}

TEST(ExpiredResponse, NamesTheGapAndTheUrlThatGoesOn) {
  Loop loop(0);
  const FakeExchange exchange(loop, "GET", "/t/news?after=10-3&limit=5&type=a%26b");
  const Gap gap{.requested = "10-3",
                .reason = "expired",
                .resumed = {kEpoch, Position{3}},
                .topics = {{"news", Position{9}}},
                .topics_total = 1};

  const Response response = expired_response(gap, exchange);

  EXPECT_EQ(response.status, 410);
  EXPECT_NE(response.body.find("cursor-expired"), std::string::npos);
  EXPECT_NE(response.body.find(R"("reason":"expired")"), std::string::npos);
  EXPECT_NE(response.body.find(R"("continue":"/t/news?limit=5&type=a%26b&after=10-3&gap=ok")"),
            std::string::npos)
      << response.body;
}

TEST(ExpiredResponse, TheUrlThatGoesOnIsOneThatIsUnderstood) {
  Loop loop(0);
  const FakeExchange exchange(loop, "GET", "/stream?topic=b.*&topic=a&after=first&gap=ok&x=%22");
  const Gap gap{.requested = "x", .reason = "unknown", .resumed = {kEpoch, {}}};

  const Response response = expired_response(gap, exchange);

  const auto from = response.body.find("\"continue\":\"") + 12;
  const auto target =
      parse_target(response.body.substr(from, response.body.find('"', from) - from));
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/stream");
  EXPECT_EQ(target->query.all("topic").size(), 2U);
  EXPECT_EQ(target->query.get("x"), "\"");
  EXPECT_EQ(target->query.get("after"), "10-0");
  EXPECT_FALSE(target->query.repeated("gap"));
}

}  // namespace
}  // namespace carillon
