#include "admin/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "testing/fake_exchange.h"

namespace carillon {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// What a browser needs to hear of each kind of file.
const std::map<std::string, std::string> kTypes = {{".html", "text/html; charset=utf-8"},
                                                   {".js", "text/javascript; charset=utf-8"},
                                                   {".mjs", "text/javascript; charset=utf-8"},
                                                   {".css", "text/css; charset=utf-8"},
                                                   {".json", "application/json"},
                                                   {".svg", "image/svg+xml"},
                                                   {".png", "image/png"}};

std::string_view bytes_of(std::string_view path) {
  const auto& pages = embedded_pages();
  const auto found = std::ranges::find(pages, path, &PageFile::path);
  return found == pages.end() ? std::string_view() : found->bytes;
}

class PagesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (embedded_pages().empty()) GTEST_SKIP() << "built without pages";
    add_page_routes(router_, "/");
  }

  std::shared_ptr<FakeExchange> ask(std::string_view path, const std::string& if_none_match = "") {
    std::vector<HeaderField> fields;
    if (!if_none_match.empty()) fields.push_back({"if-none-match", if_none_match});
    auto exchange = std::make_shared<FakeExchange>(loop_, "GET", std::string(path), fields);
    router_.begin(exchange);
    return exchange;
  }

  Loop loop_{0};
  OpenGate gate_;
  Router router_{gate_};
};

TEST_F(PagesTest, EveryFileAnswersWithItsBytesAndTheirType) {
  for (const PageFile& file : embedded_pages()) {
    const auto ending = file.path.substr(std::min(file.path.rfind('.'), file.path.size()));
    ASSERT_TRUE(kTypes.contains(std::string(ending))) << file.path;

    const auto exchange = ask(file.path);

    EXPECT_EQ(exchange->response().status, 200) << file.path;
    EXPECT_TRUE(exchange->response().body == file.bytes) << file.path;
    EXPECT_EQ(exchange->field("content-type"), kTypes.at(std::string(ending))) << file.path;
    EXPECT_EQ(exchange->field("x-content-type-options"), "nosniff") << file.path;
  }
}

TEST_F(PagesTest, AFolderAnswersWithItsIndex) {
  ASSERT_FALSE(bytes_of("/demo/index.html").empty());

  EXPECT_EQ(ask("/demo")->response().body, bytes_of("/demo/index.html"));
  EXPECT_EQ(ask("/demo")->field("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(ask("/demo/scoreboard")->response().body, bytes_of("/demo/scoreboard/index.html"));
}

TEST_F(PagesTest, AReaderThatHasTheFileIsNotSentItAgain) {
  const auto first = ask("/demo");
  const std::string tag = first->field("etag");
  ASSERT_TRUE(tag.size() > 2 && tag.starts_with('"') && tag.ends_with('"')) << tag;
  EXPECT_EQ(first->field("cache-control"), "no-cache") << "asked for again each time";

  for (const auto& known : {tag, "W/" + tag, "\"other\", " + tag, std::string("*")}) {
    const auto again = ask("/demo", known);
    EXPECT_EQ(again->response().status, 304) << known;
    EXPECT_EQ(again->response().body, "") << known;
    EXPECT_EQ(again->field("etag"), tag) << known;
  }
  EXPECT_EQ(ask("/demo", "\"other\"")->response().status, 200);
}

TEST_F(PagesTest, FilesThatDifferHaveTagsThatDiffer) {
  std::map<std::string, std::string_view> bytes_by_tag;

  for (const PageFile& file : embedded_pages()) {
    const auto [known, fresh] = bytes_by_tag.emplace(ask(file.path)->field("etag"), file.bytes);
    EXPECT_TRUE(fresh || known->second == file.bytes) << file.path;
  }
}

TEST_F(PagesTest, NoPageMayRunWhatIsNotAFileOfTheHub) {
  const auto page = ask("/demo");
  const auto known = ask("/demo", page->field("etag"));

  for (const auto& exchange : {page, known}) {
    const auto policy = exchange->field("content-security-policy");
    EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
    EXPECT_THAT(policy, HasSubstr("script-src 'self'"));
    EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'")) << "nobody lays a page over it";
    EXPECT_THAT(policy, HasSubstr("base-uri 'none'"));
    EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  }
}

TEST_F(PagesTest, NoPageNeedsWhatThePolicyForbids) {
  for (const PageFile& file : embedded_pages()) {
    if (!file.path.ends_with(".html")) continue;
    const std::string html(file.bytes);
    for (const char* forbidden : {"<style", " style=", " onclick=", " onload=", "<script>",
                                  "<script type=\"module\">", "src=\"http", "<base"})
      EXPECT_THAT(html, Not(HasSubstr(forbidden))) << file.path;
  }
}

TEST_F(PagesTest, OnlyWhatLiesBelowThePrefixIsServed) {
  Router scoreboard(gate_);
  Router nothing(gate_);

  add_page_routes(scoreboard, "/demo/scoreboard");
  add_page_routes(nothing, "/of-another-day");

  EXPECT_FALSE(scoreboard.routes().empty());
  for (const Route& route : scoreboard.routes())
    EXPECT_THAT(route.path, StartsWith("/demo/scoreboard"));
  EXPECT_TRUE(nothing.routes().empty());
  EXPECT_EQ(ask("/demo/nothing.html")->response().status, 404);
}

TEST_F(PagesTest, PagesAreOpenToEverybody) {
  for (const Route& route : router_.routes()) {
    EXPECT_EQ(route.right, RouteRight::open) << route.path;
    EXPECT_EQ(route.method, "GET") << route.path;
  }
}

TEST_F(PagesTest, EachPathIsThereOnceAndNoTestIsServed) {
  std::set<std::string> paths;

  for (const Route& route : router_.routes()) {
    EXPECT_TRUE(paths.insert(route.path).second) << route.path;
    EXPECT_THAT(route.path, Not(HasSubstr("_test."))) << route.path;
  }
}

}  // namespace
}  // namespace carillon
