#include "in/http_publish.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "base/limits.h"
#include "testing/fake_disk.h"
#include "testing/fake_exchange.h"
#include "testing/log_fixture.h"

namespace carillon {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kToken = "0123456789abcdef";

class AnyoneGate : public RequestGate {
 public:
  std::optional<Response> refuse(const Exchange&, RouteRight) const override { return {}; }
  std::vector<HeaderField> answer_fields(const Exchange&) const override { return {}; }
  Response preflight(const Exchange&, const std::string&) const override { return {}; }
};

// As a connection does: without a body nobody is called.
class BodylessExchange : public FakeExchange {
 public:
  using FakeExchange::FakeExchange;
  void read_body(size_t, std::move_only_function<void(std::string)>) override {}
};

Config config_with_token() {
  Config config;
  config.tokens.push_back({.token = std::string(kToken),
                           .publish = {*TopicPattern::parse("orders.*")},
                           .subscribe = {}});
  return config;
}

Log& opened(LogFixture& log) {
  CHECK(log.open().has_value());
  return log.log();
}

class HttpPublishTest : public testing::Test {
 protected:
  using Fields = std::vector<HeaderField>;
  using Answer = std::shared_ptr<FakeExchange>;

  HttpPublishTest() : hub(opened(log), pool, mail.post(), 1 << 20) { door.add_routes(router); }

  Answer ask(const Answer& exchange) {
    router.begin(exchange);
    hub.hand_over();
    return exchange;
  }
  Answer begin(std::string target, std::string body, Fields fields = {}) {
    auto exchange =
        std::make_shared<FakeExchange>(loop, "POST", std::move(target), std::move(fields));
    exchange->set_body(std::move(body));
    return ask(exchange);
  }
  Answer post(std::string target, std::string body, Fields fields = {}) {
    return settled(begin(std::move(target), std::move(body), std::move(fields)));
  }
  Answer settled(Answer exchange) {
    settle();
    EXPECT_TRUE(exchange->answered());
    return exchange;
  }
  void settle() {
    log.commit_all();
    mail.run_all();
  }
  Answer post_as(std::string_view authorization, std::string topic) {
    Fields fields;
    if (!authorization.empty()) fields.push_back({"authorization", std::string(authorization)});
    auto exchange = std::make_shared<FakeExchange>(loop, "POST", "/t/" + topic, std::move(fields));
    exchange->set_body("x");
    Router guarded(gate);
    guarded_door.add_routes(guarded);
    guarded.begin(exchange);
    hub.hand_over();
    return settled(exchange);
  }

  FakeDisk disk;
  LogFixture log{disk};
  ReadPool pool{1};
  PlayedMail mail;
  Loop loop{0};
  LocalHub hub;
  SeededRandom random{3};
  AnyoneGate gate;
  Access dev{Config{.mode = HubMode::dev}};
  Access guarded_access{config_with_token()};
  HttpPublish door{hub, dev, log.clock, random};
  HttpPublish guarded_door{hub, guarded_access, log.clock, random};
  Router router{gate};
};

TEST_F(HttpPublishTest, ARawBodyIsStoredByteForByteAndAnsweredAfterTheSync) {
  const auto body = std::string("\x00\xff raw\r\n", 8);
  const auto exchange = begin("/t/news", body);
  EXPECT_FALSE(exchange->answered());

  settled(exchange);

  EXPECT_EQ(exchange->response().status, 201);
  EXPECT_THAT(exchange->response().body, HasSubstr(R"("topic":"news")"));
  EXPECT_EQ(exchange->field("location"), "/t/news/events/" + exchange->field("carillon-cursor"));
  EXPECT_THAT(log.read_topic("news"), ElementsAre(body));
}

TEST_F(HttpPublishTest, AnAnswerWaitsUntilTheLoopHasHeardOfTheCommit) {
  const auto exchange = begin("/t/news", "a");
  log.commit_all();
  EXPECT_FALSE(exchange->answered());

  mail.run_all();

  EXPECT_TRUE(exchange->answered());
}

TEST_F(HttpPublishTest, APublishWithoutABodyIsAnEmptyEvent) {
  const auto exchange = std::make_shared<BodylessExchange>(loop, "POST", "/t/news");

  settled(ask(exchange));

  EXPECT_EQ(exchange->response().status, 201);
  EXPECT_THAT(log.read_topic("news"), ElementsAre(""));
}

TEST_F(HttpPublishTest, BrokenJsonOfAJsonTypeIsRefusedWithThePlace) {
  const auto exchange = post("/t/news", "{\"a\":\n ]", {{"content-type", "application/json"}});

  EXPECT_EQ(exchange->response().status, 400);
  EXPECT_THAT(exchange->response().body,
              AllOf(HasSubstr("/problems/bad-json"), HasSubstr("line 2")));
  EXPECT_THAT(log.read_topic("news"), IsEmpty());
}

TEST_F(HttpPublishTest, TopicsThatAreNoneAndTheHubsOwnAreRefused) {
  for (const char* topic : {"a..b", "a*", "**", "a%20b", "%C3%A4", ".a"}) {
    const auto exchange = post(std::string("/t/") + topic, "x");
    EXPECT_EQ(exchange->response().status, 400) << topic;
    EXPECT_THAT(exchange->response().body, HasSubstr("/problems/bad-topic"));
  }
  EXPECT_EQ(post("/t/$sys.health", "x")->response().status, 403);
}

TEST_F(HttpPublishTest, WithoutATokenOneIsAskedForAndWithoutTheRightNoneHelps) {
  const auto none = post_as("", "orders.eu");
  EXPECT_EQ(none->response().status, 401);
  EXPECT_EQ(none->field("www-authenticate"), "Bearer");
  EXPECT_EQ(post_as("Bearer wrong-0123456789", "orders.eu")->response().status, 401);
  EXPECT_EQ(post_as("Basic eDp5", "orders.eu")->response().status, 401);
  EXPECT_EQ(post_as("Bearer " + std::string(kToken), "other")->response().status, 403);
  EXPECT_THAT(log.read_topic("orders.eu"), IsEmpty());

  EXPECT_EQ(post_as("Bearer " + std::string(kToken), "orders.eu")->response().status, 201);
}

TEST_F(HttpPublishTest, ACompressedBodyAndAnUnknownFormatAre415) {
  EXPECT_EQ(post("/t/a", "x", {{"content-encoding", "gzip"}})->response().status, 415);
  EXPECT_EQ(post("/t/a", "x", {{"content-encoding", "identity"}})->response().status, 201);
  EXPECT_EQ(
      post("/t/a", "x", {{"content-type", "application/cloudevents+avro"}})->response().status,
      415);
}

TEST_F(HttpPublishTest, AnEventBeyondOneMebibyteIs413) {
  const auto exchange = post("/t/a", std::string(kEventBytesMax + 1, 'x'));

  EXPECT_EQ(exchange->response().status, 413);
  EXPECT_THAT(log.read_topic("a"), IsEmpty());
}

TEST_F(HttpPublishTest, ARepeatOfAnIdempotencyKeyGetsTheFirstAnswer) {
  const Fields fields = {{"idempotency-key", "k-1"}};
  const auto first = post("/t/a", "x", fields);

  const auto second = post("/t/a", "x", fields);

  EXPECT_EQ(first->response().status, 201);
  EXPECT_EQ(second->response().status, 200);
  EXPECT_EQ(second->response().body, first->response().body);
  EXPECT_EQ(second->field("location"), first->field("location"));
  EXPECT_THAT(log.read_topic("a"), ElementsAre("x"));
}

TEST_F(HttpPublishTest, ARepeatInTheSameTurnIsAnsweredWithIt) {
  const Fields fields = {{"idempotency-key", "k-1"}};
  const auto first = begin("/t/a", "x", fields);
  const auto second = begin("/t/a", "x", fields);
  settle();

  EXPECT_EQ(first->response().status, 201);
  EXPECT_EQ(second->response().status, 200);
  EXPECT_EQ(second->field("carillon-cursor"), first->field("carillon-cursor"));
}

TEST_F(HttpPublishTest, AKeyUsedForOtherDataOrAnotherTypeIs409) {
  const Fields fields = {{"idempotency-key", "k-1"}};
  post("/t/a", "x", fields);

  const auto other_data = post("/t/a", "y", fields);
  const auto other_type =
      post("/t/a", "x", {{"idempotency-key", "k-1"}, {"content-type", "text/html"}});

  EXPECT_EQ(other_data->response().status, 409);
  EXPECT_THAT(other_data->response().body, HasSubstr("/problems/idempotency-conflict"));
  EXPECT_EQ(other_type->response().status, 409);
  EXPECT_EQ(post("/t/b", "y", fields)->response().status, 201);
}

TEST_F(HttpPublishTest, AKeyIsGivenOnceWithOneTo256Bytes) {
  EXPECT_EQ(post("/t/a", "x", {{"idempotency-key", ""}})->response().status, 400);
  EXPECT_EQ(post("/t/a", "x", {{"idempotency-key", std::string(257, 'k')}})->response().status,
            400);
  EXPECT_EQ(
      post("/t/a", "x", {{"idempotency-key", "k"}, {"idempotency-key", "k"}})->response().status,
      400);
  EXPECT_EQ(post("/t/a", "x", {{"idempotency-key", std::string(256, 'k')}})->response().status,
            201);
}

TEST_F(HttpPublishTest, TheSameSourceAndIdIsStoredOnce) {
  const Fields fields = {{"ce-id", "o-1"}, {"ce-source", "/shop"}};
  const auto first = post("/t/a", "x", fields);

  const auto second = post("/t/a", "x", fields);
  const auto other = post("/t/a", "y", fields);

  EXPECT_EQ(first->response().status, 201);
  EXPECT_EQ(second->response().status, 200);
  EXPECT_EQ(second->response().body, first->response().body);
  EXPECT_EQ(other->response().status, 409);
  EXPECT_THAT(log.read_topic("a"), ElementsAre("x"));
}

TEST_F(HttpPublishTest, AStructuredEventIsStoredAsItsData) {
  const auto exchange =
      post("/t/a", R"({"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"n":1.50}})",
           {{"content-type", "application/cloudevents+json"}});

  EXPECT_EQ(exchange->response().status, 201);
  EXPECT_THAT(exchange->response().body, HasSubstr(R"("id":"1")"));
  EXPECT_THAT(log.read_topic("a"), ElementsAre(R"({"n":1.50})"));
}

TEST_F(HttpPublishTest, ATopicAttributeMustAgreeWithTheUrl) {
  const auto exchange = post("/t/a", "x", {{"ce-topic", "b"}});

  EXPECT_EQ(exchange->response().status, 400);
  EXPECT_THAT(exchange->response().body, HasSubstr("/problems/bad-event"));
}

TEST_F(HttpPublishTest, BinaryModeNeedsItsRequiredAttributes) {
  EXPECT_EQ(post("/t/a", "x", {{"ce-specversion", "1.0"}})->response().status, 400);
  EXPECT_EQ(post("/t/a", "x",
                 {{"ce-specversion", "1.0"}, {"ce-id", "1"}, {"ce-source", "/s"}, {"ce-type", "t"}})
                ->response()
                .status,
            201);
}

TEST_F(HttpPublishTest, ABatchIsStoredWholeInOrder) {
  const auto exchange = post("/t/a",
                             R"([{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1},)"
                             R"({"specversion":"1.0","id":"2","source":"/s","type":"t","data":2}])",
                             {{"content-type", "application/cloudevents-batch+json"}});

  EXPECT_EQ(exchange->response().status, 201);
  EXPECT_THAT(exchange->response().body, HasSubstr(R"("count":2)"));
  EXPECT_THAT(log.read_topic("a"), ElementsAre("1", "2"));
}

TEST_F(HttpPublishTest, OneBadItemRefusesTheWholeBatchByItsIndex) {
  const auto exchange =
      post("/t/a",
           R"([{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1},)"
           R"({"specversion":"1.0","id":"2","source":"/s","type":"t","topic":"b","data":2}])",
           {{"content-type", "application/cloudevents-batch+json"}});

  EXPECT_EQ(exchange->response().status, 400);
  EXPECT_THAT(exchange->response().body, HasSubstr("event 1:"));
  EXPECT_THAT(log.read_topic("a"), IsEmpty());
}

TEST_F(HttpPublishTest, ItemsOfABatchThatWereStoredBeforeAreLeftOutAndCounted) {
  const Fields fields = {{"content-type", "application/cloudevents-batch+json"}};
  const std::string one = R"({"specversion":"1.0","id":"1","source":"/s","type":"t","data":1})";
  const std::string two = R"({"specversion":"1.0","id":"2","source":"/s","type":"t","data":2})";
  post("/t/a",
       "[" + one + "," + R"({"specversion":"1.0","id":"0",)" +
           R"("source":"/s","type":"t","data":0}])",
       fields);

  const auto exchange = post("/t/a", "[" + one + "," + two + "]", fields);

  EXPECT_EQ(exchange->response().status, 201);
  EXPECT_THAT(exchange->response().body,
              AllOf(HasSubstr(R"("count":1)"), HasSubstr(R"("repeated":1)")));
  EXPECT_THAT(log.read_topic("a"), ElementsAre("1", "0", "2"));
}

TEST_F(HttpPublishTest, OneIdForTwoBodiesInABatchIsAConflictAndNothingIsStored) {
  const auto exchange = post("/t/a",
                             R"([{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1},)"
                             R"({"specversion":"1.0","id":"1","source":"/s","type":"t","data":2}])",
                             {{"content-type", "application/cloudevents-batch+json"}});

  EXPECT_EQ(exchange->response().status, 409);
  EXPECT_THAT(log.read_topic("a"), IsEmpty());
}

TEST_F(HttpPublishTest, PublishesOfOneTurnAreAnsweredInOneCommit) {
  const uint64_t before = log.log().stats().commits;
  std::vector<Answer> answers;
  for (int i = 0; i < 10; ++i) {
    auto exchange = std::make_shared<FakeExchange>(loop, "POST", "/t/a");
    exchange->set_body(std::to_string(i));
    router.begin(exchange);
    answers.push_back(std::move(exchange));
  }

  hub.hand_over();
  settle();

  for (const auto& answer : answers) EXPECT_EQ(answer->response().status, 201);
  EXPECT_EQ(log.log().stats().commits, before + 1);
  EXPECT_THAT(log.read_topic("a"), ElementsAre("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"));
}

TEST_F(HttpPublishTest, AFailedSyncIsNeverAnsweredAsStored) {
  disk.refuse(DiskCall::sync, Errc::io);
  disk.refuse(DiskCall::write, Errc::io);

  const auto exchange = post("/t/a", "x");

  EXPECT_EQ(exchange->response().status, 500);
  EXPECT_EQ(exchange->field("carillon-cursor"), "");
}

TEST_F(HttpPublishTest, AClientThatWentAwayHurtsNobody) {
  const auto exchange = begin("/t/a", "x");
  exchange->lose_client();

  settle();

  EXPECT_FALSE(exchange->answered());
  EXPECT_THAT(log.read_topic("a"), ElementsAre("x"));
}

}  // namespace
}  // namespace carillon
