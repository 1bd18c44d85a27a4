#include "wire/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Target parsed(std::string_view text) {
  auto target = parse_target(text);
  EXPECT_TRUE(target) << text << ": " << (target ? "" : target.error().detail);
  return target.value_or(Target{});
}

void expect_refused(std::string_view text, std::string_view why) {
  const auto target = parse_target(text);
  ASSERT_FALSE(target) << text;
  EXPECT_EQ(target.error().code, Errc::bad_input);
  EXPECT_THAT(target.error().detail, HasSubstr(std::string(why))) << text;
}

TEST(Target, APathAndItsOptionsAreDecodedOnce) {
  const auto target = parsed("/t/ne%77s?after=%2541&type=a%2Fb");

  EXPECT_EQ(target.path, "/t/news");
  EXPECT_EQ(target.query.get("after"), "%41");
  EXPECT_EQ(target.query.get("type"), "a/b");
}

TEST(Target, ATargetMayHaveNoQueryOrAnEmptyOne) {
  EXPECT_EQ(parsed("/").path, "/");
  EXPECT_TRUE(parsed("/t/a?").query.options().empty());
  EXPECT_EQ(parsed("*").path, "*");
  EXPECT_EQ(parsed("/t/a/").path, "/t/a/");
}

TEST(Target, APlusIsAPlusInAPathAndASpaceInAQuery) {
  const auto target = parsed("/a+b?c+d=e+f%2B");

  EXPECT_EQ(target.path, "/a+b");
  EXPECT_EQ(target.query.get("c d"), "e f+");
}

TEST(Target, PathsThatCouldMeanSeveralThingsAreRefusedAsF121Says) {
  expect_refused("/a%2Fb", "encoded slash");
  expect_refused("/a%2fb", "encoded slash");
  expect_refused("/a/./b", "dot segment");
  expect_refused("/a/../b", "dot segment");
  expect_refused("/..", "dot segment");
  expect_refused("/a/.", "dot segment");
  expect_refused("/a/%2e%2E/b", "dot segment");
  expect_refused("/a/.%2e", "dot segment");
  expect_refused("/a//b", "empty segment");
  expect_refused("//a", "empty segment");
  expect_refused("/a//", "empty segment");
  expect_refused("", "slash");
  expect_refused("a", "slash");
  expect_refused("?a=b", "slash");
}

TEST(Target, NamesThatBeginWithADotAreNotDotSegments) {
  EXPECT_EQ(parsed("/.well-known/carillon").path, "/.well-known/carillon");
  EXPECT_EQ(parsed("/.../a").path, "/.../a");
}

TEST(Target, BadPercentSequencesAreRefusedAsF121Says) {
  for (const std::string_view bad :
       {"/%", "/%4", "/%zz", "/%4g", "/a?b=%", "/a?b=%2", "/a?%gg=b"}) {
    expect_refused(bad, "%");
  }
}

TEST(Target, AnEncodedNulIsRefused) {
  expect_refused("/a%00b", "NUL");
  expect_refused("/a?b=%00", "NUL");
  expect_refused("/a?%00=b", "NUL");
}

TEST(Target, WhatIsNotUtf8OnceDecodedIsRefused) {
  EXPECT_EQ(parsed("/%C3%A4").path, "/\xc3\xa4");
  expect_refused("/%C0%AF", "UTF-8");  // an overlong slash
  expect_refused("/a?b=%ff", "UTF-8");
}

TEST(Query, OptionsKeepTheirOrderAndRepeatsAreSeen) {
  const auto query = Query::parse("topic=a&limit=5&topic=b&flag&empty=&&=x");

  ASSERT_TRUE(query);
  EXPECT_EQ(query->get("topic"), "a");
  EXPECT_THAT(query->all("topic"), ElementsAre("a", "b"));
  EXPECT_TRUE(query->repeated("topic"));
  EXPECT_FALSE(query->repeated("limit"));
  EXPECT_FALSE(query->repeated("absent"));
  EXPECT_EQ(query->get("flag"), "");
  EXPECT_EQ(query->get("empty"), "");
  EXPECT_EQ(query->get(""), "x");
  EXPECT_EQ(query->get("absent"), std::nullopt);
  EXPECT_EQ(query->options().size(), 6);
}

TEST(Query, OnlyTheFirstEqualsSignSeparates) {
  const auto query = Query::parse("a=b=c");

  ASSERT_TRUE(query);
  EXPECT_EQ(query->get("a"), "b=c");
}

TEST(Query, AFormOfAWebSubSubscriberIsRead) {
  const auto query = Query::parse(
      "hub.mode=subscribe&hub.topic=http%3A%2F%2Flocalhost%2Ft%2Fnews&hub.callback=http://b/c?d");

  ASSERT_TRUE(query);
  EXPECT_EQ(query->get("hub.topic"), "http://localhost/t/news");
  EXPECT_EQ(query->get("hub.callback"), "http://b/c?d");
}

TEST(Query, MoreOptionsThanTheLimitAreRefused) {
  std::string text;
  for (size_t i = 0; i < kQueryOptionsMax; ++i) text += "a=b&";

  EXPECT_TRUE(Query::parse(text));
  const auto more = Query::parse(text + "a=b");
  ASSERT_FALSE(more);
  EXPECT_THAT(more.error().detail, HasSubstr(std::to_string(kQueryOptionsMax)));
}

TEST(PercentEncoding, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode(" /?\xc3\xa4%+"), "%20%2F%3F%C3%A4%25%2B");
}

RC_GTEST_PROP(PercentEncoding, IsUndoneByDecoding, (const std::string& text)) {
  RC_ASSERT(percent_decode(percent_encode(text), Plus::literal).value_or("!") == text);
  RC_ASSERT(percent_decode(percent_encode(text), Plus::space).value_or("!") == text);
}

RC_GTEST_PROP(Target, AnAcceptedPathHoldsNothingAmbiguous, ()) {
  const auto rest = *rc::gen::container<std::string>(
      rc::gen::element('/', '.', '%', '2', '0', 'e', 'f', 'F', 'a', '?'));

  const auto target = parse_target("/" + rest);

  if (!target) return;
  const auto& path = target->path;
  RC_ASSERT(path.starts_with('/'));
  RC_ASSERT(path.find("//") == std::string::npos);
  RC_ASSERT(path.find("/./") == std::string::npos);
  RC_ASSERT(path.find("/../") == std::string::npos);
  RC_ASSERT((!path.ends_with("/.") && !path.ends_with("/..")));
  RC_ASSERT(path.find('\0') == std::string::npos);
}

}  // namespace
}  // namespace carillon
