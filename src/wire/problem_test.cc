#include "wire/problem.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <set>
#include <sstream>

namespace carillon {
namespace {

std::string page() {
  std::ifstream file(CARILLON_SOURCE_DIR "/docs/reference/problems.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Problem, IsWrittenAsRfc9457SaysWithAFix) {
  const auto problem = make_problem(kBadCursor, "'a\nb' is no cursor", "pass one");

  const auto json = problem_json(problem);

  EXPECT_EQ(
      json,
      R"({"type":"/problems/bad-cursor","title":"The cursor is not well-formed","status":400,)"
      R"("detail":"'a\nb' is no cursor","fix":"pass one"})");
}

TEST(Problem, ExtraMembersStandInTheSameObject) {
  const auto problem = make_problem(kCursorExpired, "d", "f");

  const auto json = boost::json::parse(problem_json(problem, R"("reason":"expired","topics":[])"));

  EXPECT_EQ(json.at("status").as_int64(), 410);
  EXPECT_EQ(json.at("reason").as_string(), "expired");
  EXPECT_TRUE(json.at("topics").as_array().empty());
}

TEST(Problem, WhatAPeerSentIsEscapedSoThatTheAnswerIsAlwaysJson) {
  const auto problem = make_problem(kBadRequest, "\"\\\x01\xff</script>", "");

  const auto json = boost::json::parse(problem_json(problem));

  EXPECT_EQ(json.at("detail").as_string(), "\"\\\x01\xef\xbf\xbd</script>");
}

TEST(Problem, EveryRefusalOfAHeadIsAProblemOfItsStatus) {
  for (const int status : {400, 413, 414, 417, 431, 501, 505}) {
    const auto problem = make_problem(HttpRefusal{status, "detail", "fix"});

    EXPECT_EQ(problem.status, status);
    EXPECT_EQ(problem.detail, "detail");
    EXPECT_EQ(problem.fix, "fix");
  }
}

TEST(ProblemList, HasEachSlugOnceInKebabCase) {
  std::set<std::string_view> slugs;
  for (const auto& kind : kProblemKinds) {
    EXPECT_TRUE(slugs.insert(kind.slug).second) << kind.slug;
    EXPECT_TRUE(std::ranges::all_of(kind.slug, [](char c) {
      return (c >= 'a' && c <= 'z') || c == '-';
    })) << kind.slug;
    EXPECT_GE(kind.status, 400);
    EXPECT_LT(kind.status, 600);
    EXPECT_FALSE(kind.title.empty());
  }
}

TEST(ProblemList, IsWhatItsPageListsWithAMeaningAndAFix) {
  const auto text = page();
  ASSERT_FALSE(text.empty());

  for (const auto& kind : kProblemKinds) {
    const auto row =
        fmt::format("| [`{0}`](#{0}) | {1} | {2} |\n", kind.slug, kind.status, kind.title);
    EXPECT_NE(text.find(row), std::string::npos) << row;
    const auto heading = text.find(fmt::format("\n## {}\n\n", kind.slug));
    ASSERT_NE(heading, std::string::npos) << kind.slug;
    const auto section = text.substr(heading + 1, text.find("\n## ", heading + 1) - heading);
    EXPECT_NE(section.find("\n*Fix*: "), std::string::npos) << kind.slug;
  }
}

TEST(ProblemList, HasEveryEntryOfItsPage) {
  std::istringstream text(page());
  std::string line;
  size_t headings = 0;
  while (std::getline(text, line)) headings += line.starts_with("## ") ? 1 : 0;

  EXPECT_EQ(headings, kProblemKinds.size());
}

}  // namespace
}  // namespace carillon
