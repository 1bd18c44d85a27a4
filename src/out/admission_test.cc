#include "out/admission.h"

#include <gtest/gtest.h>

#include "testing/fake_exchange.h"

namespace carillon {
namespace {

const std::string kToken = "0123456789abcdef-reader";

class AdmissionTest : public testing::Test {
 protected:
  // 200 when it was admitted, else the status of the answer.
  int ask(const std::string& target, const std::string& pattern, const std::string& token = "") {
    std::vector<HeaderField> fields;
    if (!token.empty()) fields.push_back({"authorization", "Bearer " + token});
    exchange = std::make_shared<FakeExchange>(loop, "GET", target, std::move(fields));
    options = admit_read(*exchange, access, {*TopicPattern::parse(pattern)});
    EXPECT_NE(options.has_value(), exchange->answered());
    return options ? 200 : exchange->response().status;
  }

  static Config config() {
    Config config;
    config.tokens = {{.token = kToken, .publish = {}, .subscribe = {*TopicPattern::parse("a.*")}}};
    config.public_subscribe = {*TopicPattern::parse("open")};
    return config;
  }

  Loop loop{0};
  Access access{config()};
  std::shared_ptr<FakeExchange> exchange;
  std::optional<ReadOptions> options;
};

TEST_F(AdmissionTest, GoesByTheTokenAndWhatIsPublic) {
  EXPECT_EQ(ask("/t/open", "open"), 200);
  EXPECT_EQ(ask("/t/a.b", "a.b"), 401);
  EXPECT_EQ(ask("/t/a.b", "a.b", kToken), 200);
  EXPECT_EQ(ask("/t/b", "b", kToken), 403);
  EXPECT_EQ(ask("/stream?topic=a.**", "a.**", kToken), 403) << "wider than the right";
  EXPECT_EQ(ask("/t/open", "open", "0123456789abcdef-nobody"), 401) << "wrong where none is needed";
}

TEST_F(AdmissionTest, HandsOutTheOptionsOrSaysWhatIsWrongWithThem) {
  EXPECT_EQ(ask("/t/open?after=first&conflate=key", "open"), 200);
  EXPECT_EQ(options->after.kind, AfterOption::Kind::first);
  EXPECT_TRUE(options->conflate);
  EXPECT_EQ(ask("/t/open?after=yesterday", "open"), 400);
  EXPECT_EQ(option_problem({.bad_cursor = true, .detail = "d"}).slug, "bad-cursor");
  EXPECT_EQ(option_problem({.bad_topic = true, .detail = "d"}).slug, "bad-topic");
  EXPECT_EQ(option_problem({.detail = "d"}).slug, "bad-request");
}

}  // namespace
}  // namespace carillon
