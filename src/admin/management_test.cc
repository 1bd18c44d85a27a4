#include "admin/management.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/limits.h"
#include "testing/fake_disk.h"
#include "testing/fake_exchange.h"
#include "testing/log_fixture.h"
#include "testing/temporary_directory.h"
#include "wire/json_check.h"
#include "wire/json_walk.h"

namespace carillon {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// As a connection does: without a body nobody is called.
class BodylessExchange : public FakeExchange {
 public:
  using FakeExchange::FakeExchange;
  void read_body(size_t, std::move_only_function<void(std::string)>) override {}
};

// A peer that says of itself what the test says.
class TalkingConnection : public Connection {
 public:
  TalkingConnection(Loop& loop, ConnectionTable& table, std::string members)
      : Connection(loop, table, "192.0.2.1", false), members_(std::move(members)) {}

  void sweep(MonotonicTime) override {}
  void flush() override {}
  void drain() override {}
  void close(std::string_view reason) override { table_.remove(*this, reason); }
  std::string describe() const override { return members_; }

 private:
  std::string members_;
};

// The member `name` of a JSON object as it is written; "" when there is none.
std::string member(std::string_view object, std::string_view name) {
  if (object.empty()) return {};
  JsonMembers members(object);
  while (const auto one = members.next()) {
    if (one->name == name) return std::string(one->value);
  }
  return {};
}

std::vector<std::string> items_of(const std::string& body) {
  const std::string array = member(body, "items");
  std::vector<std::string> all;
  if (array.empty()) return all;
  JsonItems items(array);
  while (const auto item = items.next()) all.emplace_back(*item);
  return all;
}

// Where the page behind the one that said `next` is; the first one for "".
std::string page_behind(const std::string& target, const std::string& next) {
  return next.empty() ? target : target + "&page=" + json_text(next);
}

std::vector<std::string> topics_in(const std::string& body) {
  std::vector<std::string> topics;
  for (const auto& item : items_of(body)) topics.push_back(json_text(member(item, "topic")));
  return topics;
}

// The management API of the first of two loops, over a log whose threads the test plays.
class ManagementTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fixture_.open());
    hub_ = std::make_unique<LocalHub>(
        fixture_.log(), pool_.pool(),
        [this](std::move_only_function<void()> task) { loop_.post(std::move(task)); }, kMiB);
    probes_ = {{.loop = &loop_,
                .connections = &table_,
                .counts = [] { return LoopCounts{.deliveries = 70, .readers = 3}; }},
               {.loop = &other_loop_, .connections = &other_table_, .counts = [] {
                  return LoopCounts{.deliveries = 5, .readers = 1};
                }}};
    management_ = std::make_unique<Management>(*hub_, probes_, loop_.now());
    management_->add_routes(router_);
  }
  void TearDown() override {
    pool_.run_all();
    table_.close_all();
    other_table_.close_all();
  }

  std::shared_ptr<FakeExchange> ask(const std::string& method, const std::string& target,
                                    const std::optional<std::string>& body = std::nullopt) {
    std::shared_ptr<FakeExchange> exchange;
    if (body) {
      exchange = std::make_shared<FakeExchange>(loop_, method, target);
      exchange->set_body(*body);
    } else {
      exchange = std::make_shared<BodylessExchange>(loop_, method, target);
    }
    router_.begin(exchange);
    settle();
    EXPECT_TRUE(exchange->answered()) << method << " " << target;
    const std::string& answer = exchange->response().body;
    EXPECT_TRUE(answer.empty() || check_json(answer)) << answer;
    return exchange;
  }
  Response get(const std::string& target) { return ask("GET", target)->response(); }
  int status(const std::string& method, const std::string& target,
             const std::optional<std::string>& body = std::nullopt) {
    return ask(method, target, body)->response().status;
  }
  void settle() {
    constexpr int kRounds = 4;  // to the pool, the committer, the other loop, and back
    for (int round = 0; round < kRounds; ++round) {
      pool_.run_all();
      fixture_.commit_all();
      for (Loop* loop : {&loop_, &other_loop_}) {
        loop->context().restart();
        loop->context().poll();
      }
    }
  }

  Position publish(std::string_view topic, std::string_view data) {
    const auto done = fixture_.publish(topic, data);
    EXPECT_TRUE(done);
    return done ? done->last : Position();
  }
  std::string cursor(Position position) const { return Cursor{hub_->epoch(), position}.text(); }
  Response trim(const std::string& topic, const std::string& before) {
    return ask("POST", "/v1/topics/" + topic + "/trim", R"({"before":")" + before + "\"}")
        ->response();
  }
  static std::shared_ptr<TalkingConnection> connect(Loop& loop, ConnectionTable& table,
                                                    const std::string& members) {
    auto connection = std::make_shared<TalkingConnection>(loop, table, members);
    table.add(connection);
    return connection;
  }

  TemporaryDirectory directory_;
  FakeDisk disk_;
  LogFixture fixture_{disk_};
  OpenGate gate_;
  Loop loop_{0};
  Loop other_loop_{1};
  ConnectionTable table_{loop_};
  ConnectionTable other_table_{other_loop_};
  HeldPool pool_;
  std::vector<LoopProbe> probes_;
  std::unique_ptr<LocalHub> hub_;
  std::unique_ptr<Management> management_;
  Router router_{gate_};
};

TEST_F(ManagementTest, EveryRouteNeedsTheRightToManage) {
  EXPECT_FALSE(router_.routes().empty());
  for (const Route& route : router_.routes())
    EXPECT_EQ(route.right, RouteRight::manage) << route.path;
}

// --- topics

TEST_F(ManagementTest, ATopicIsToldWithItsOldestAndItsNewestEvent) {
  const Position one = publish("news", "one");
  const Position two = publish("news", "two");
  publish("memory.ticks", "x");

  const auto news = get("/v1/topics/news");
  const auto ticks = get("/v1/topics/memory.ticks");

  EXPECT_EQ(news.status, 200);
  EXPECT_EQ(member(news.body, "topic"), "\"news\"");
  EXPECT_EQ(member(news.body, "oldest"), "\"" + cursor(one) + "\"");
  EXPECT_EQ(member(news.body, "newest"), "\"" + cursor(two) + "\"");
  EXPECT_EQ(member(news.body, "events"), "2");
  EXPECT_NE(member(news.body, "bytes"), "0");
  EXPECT_EQ(member(news.body, "durability"), "\"disk\"");
  EXPECT_EQ(member(ticks.body, "durability"), "\"memory\"");
}

TEST_F(ManagementTest, WhatIsNoTopicIsNotFoundAndWhatCanBeNoneIsRefused) {
  EXPECT_EQ(status("GET", "/v1/topics/nobody"), 404);
  EXPECT_EQ(status("DELETE", "/v1/topics/nobody"), 404);
  EXPECT_EQ(trim("nobody", cursor(Position{1})).status, 404);
  for (const char* name : {"a..b", "orders.*", "**"}) {
    const std::string path = "/v1/topics/" + std::string(name);
    EXPECT_THAT(get(path).body, HasSubstr("/problems/bad-topic")) << name;
    EXPECT_EQ(status("DELETE", path), 400) << name;
    EXPECT_EQ(trim(name, cursor(Position{1})).status, 400) << name;
  }
}

TEST_F(ManagementTest, TopicsAreListedByNameAPageAtATime) {
  for (const char* topic : {"e", "b", "a.x", "d", "c"}) publish(topic, "1");
  std::vector<std::vector<std::string>> pages;
  std::string next;

  while (next != "null" && pages.size() < 10) {
    const auto page = get(page_behind("/v1/topics?limit=2", next));
    pages.push_back(topics_in(page.body));
    next = member(page.body, "next");
  }

  EXPECT_THAT(pages, ElementsAre(ElementsAre("a.x", "b"), ElementsAre("c", "d"), ElementsAre("e")));
}

TEST_F(ManagementTest, APageThatHoldsTheLastTopicExactlyHasNoNext) {
  for (const char* topic : {"a", "b"}) publish(topic, "1");

  const auto page = get("/v1/topics?limit=2");

  EXPECT_THAT(topics_in(page.body), ElementsAre("a", "b"));
  EXPECT_EQ(member(page.body, "next"), "null");
}

TEST_F(ManagementTest, AListWithoutALimitHoldsAHundredTopics) {
  Append append;
  for (int i = 100; i <= 200; ++i) LogFixture::add_event(append, "t" + std::to_string(i), "x");
  ASSERT_TRUE(fixture_.commit(std::move(append)));

  const auto page = get("/v1/topics");

  EXPECT_EQ(topics_in(page.body).size(), 100U);
  EXPECT_EQ(member(page.body, "next"), "\"t199\"");
}

TEST_F(ManagementTest, APatternChoosesAmongThem) {
  for (const char* topic : {"orders.eu", "orders.us", "orders.eu.paid", "news"})
    publish(topic, "1");

  EXPECT_THAT(topics_in(get("/v1/topics?pattern=orders.*").body),
              ElementsAre("orders.eu", "orders.us"));
  EXPECT_THAT(topics_in(get("/v1/topics?pattern=news").body), ElementsAre("news"));
  EXPECT_THAT(topics_in(get("/v1/topics?pattern=none.**").body), IsEmpty());
}

TEST_F(ManagementTest, AnEmptyLogHasAnEmptyList) {
  const auto page = get("/v1/topics");

  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(member(page.body, "items"), "[]");
  EXPECT_EQ(member(page.body, "next"), "null");
}

TEST_F(ManagementTest, LimitsAndPatternsThatMeanNothingAreRefused) {
  for (const char* query :
       {"limit=0", "limit=1001", "limit=-1", "limit=ten", "limit=", "pattern=a..b", "pattern=**.a"})
    EXPECT_EQ(status("GET", "/v1/topics?" + std::string(query)), 400) << query;
  EXPECT_EQ(status("GET", "/v1/topics?limit=1000"), 200);
}

TEST_F(ManagementTest, ADeletedTopicIsGoneFromEverywhere) {
  publish("news", "one");
  publish("other", "two");

  const auto deleted = ask("DELETE", "/v1/topics/news");

  EXPECT_EQ(deleted->response().status, 204);
  EXPECT_EQ(deleted->response().body, "");
  EXPECT_EQ(status("GET", "/v1/topics/news"), 404);
  EXPECT_EQ(status("DELETE", "/v1/topics/news"), 404);
  EXPECT_THAT(topics_in(get("/v1/topics").body), ElementsAre("other"));
  EXPECT_THAT(fixture_.read_topic("news"), IsEmpty());
  EXPECT_THAT(fixture_.read_topic("other"), ElementsAre("two"));
}

TEST_F(ManagementTest, TrimmingKeepsTheEventItNamesAndAllBehindIt) {
  publish("news", "one");
  const Position two = publish("news", "two");
  publish("other", "x");
  const Position three = publish("news", "three");

  const auto trimmed = trim("news", cursor(two));

  EXPECT_EQ(trimmed.status, 200);
  EXPECT_EQ(member(trimmed.body, "topic"), "\"news\"");
  EXPECT_EQ(member(trimmed.body, "oldest"), "\"" + cursor(two) + "\"");
  EXPECT_EQ(member(trimmed.body, "newest"), "\"" + cursor(three) + "\"");
  EXPECT_EQ(member(trimmed.body, "events"), "2");
  EXPECT_THAT(fixture_.read_topic("news"), ElementsAre("two", "three"));
  EXPECT_THAT(fixture_.read_topic("other"), ElementsAre("x"));
}

TEST_F(ManagementTest, TrimmingTwiceIsTrimmingOnce) {
  publish("news", "one");
  const Position two = publish("news", "two");
  const auto first = trim("news", cursor(two));

  const auto second = trim("news", cursor(two));

  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(second.body, first.body);
}

TEST_F(ManagementTest, TrimmingBehindTheNewestEventLeavesAnEmptyTopic) {
  publish("news", "one");
  const Position later = publish("other", "x");

  const auto trimmed = trim("news", cursor(later));

  EXPECT_EQ(trimmed.status, 200);
  EXPECT_EQ(member(trimmed.body, "oldest"), "null");
  EXPECT_EQ(member(trimmed.body, "events"), "0");
  EXPECT_EQ(status("GET", "/v1/topics/news"), 200) << "it is still there";
}

TEST_F(ManagementTest, ATrimThatCannotBeUnderstoodRemovesNothing) {
  publish("news", "one");
  const Position two = publish("news", "two");
  const std::string path = "/v1/topics/news/trim";
  const Cursor foreign{Epoch{hub_->epoch().value + 1}, two};

  EXPECT_EQ(status("POST", path), 400) << "no body";
  for (const char* body : {"", "{", "[]", "{}", R"({"before":5})", R"({"before":null})", "before"})
    EXPECT_EQ(status("POST", path, body), 400) << body;
  EXPECT_THAT(trim("news", "what").body, HasSubstr("/problems/bad-cursor"));
  EXPECT_THAT(trim("news", foreign.text()).body, HasSubstr("/problems/bad-cursor"))
      << "of another log's life";
  EXPECT_THAT(fixture_.read_topic("news"), ElementsAre("one", "two"));
}

TEST_F(ManagementTest, TheHubsOwnTopicsAreNotForUsersToRemove) {
  EXPECT_EQ(status("DELETE", "/v1/topics/$sys.health"), 403);
  EXPECT_EQ(trim("$sys.health", cursor(Position{1})).status, 403);
}

TEST_F(ManagementTest, WhatALogThatFailedCannotRemoveIsNotCalledRemoved) {
  publish("news", "one");
  disk_.refuse(DiskCall::sync, Errc::io);

  EXPECT_EQ(status("DELETE", "/v1/topics/news"), 500);
}

// --- connections and stats

TEST_F(ManagementTest, EveryConnectionOfEveryLoopIsToldWithWhatItDoes) {
  connect(loop_, table_, R"("protocol":"sse","topics":["news"])");
  connect(other_loop_, other_table_, R"("protocol":"http")");

  const auto body = get("/v1/connections").body;

  ASSERT_EQ(items_of(body).size(), 2U);
  EXPECT_THAT(body, AllOf(HasSubstr(R"("peer":"192.0.2.1")"), HasSubstr(R"("protocol":"sse")"),
                          HasSubstr(R"("topics":["news"])"), HasSubstr(R"("protocol":"http")")));
  EXPECT_THAT(body, AllOf(HasSubstr(R"("loop":0)"), HasSubstr(R"("loop":1)")));
}

TEST_F(ManagementTest, ConnectionsAreListedAPageAtATimeOverAllLoops) {
  for (int i = 0; i < 3; ++i) {
    connect(loop_, table_, R"("protocol":"sse")");
    connect(other_loop_, other_table_, R"("protocol":"http")");
  }
  std::set<std::string> seen;
  std::string next;
  int pages = 0;

  for (; next != "null" && pages < 10; ++pages) {
    const auto page = get(page_behind("/v1/connections?limit=2", next));
    EXPECT_LE(items_of(page.body).size(), 2U);
    for (const auto& item : items_of(page.body))
      EXPECT_TRUE(seen.insert(member(item, "id")).second) << item;
    next = member(page.body, "next");
  }

  EXPECT_EQ(seen.size(), 6U);
  EXPECT_EQ(pages, 3);
}

TEST_F(ManagementTest, PagesOfConnectionsThatMeanNothingAreRefused) {
  for (const char* query : {"limit=0", "limit=1001", "limit=ten", "page=news"})
    EXPECT_EQ(status("GET", "/v1/connections?" + std::string(query)), 400) << query;
}

TEST_F(ManagementTest, WhoEndedIsToldWithTheReason) {
  connect(loop_, table_, R"("protocol":"sse")")->close("stalled for \"30s\"");

  const auto body = get("/v1/connections").body;

  EXPECT_TRUE(items_of(body).empty());
  EXPECT_THAT(member(body, "ended"), AllOf(HasSubstr(R"("reason":"stalled for \"30s\"")"),
                                           HasSubstr(R"("protocol":"sse")"), HasSubstr("\"at\"")));
}

TEST_F(ManagementTest, StatsAreTheSumOverAllLoops) {
  connect(loop_, table_, R"("protocol":"sse")");
  connect(other_loop_, other_table_, R"("protocol":"http")");
  publish("news", "one");
  const Position last = publish("news", "two");

  const auto stats = get("/v1/stats");

  EXPECT_EQ(stats.status, 200);
  EXPECT_EQ(member(stats.body, "connections"), "2");
  EXPECT_EQ(member(stats.body, "readers"), "4");
  EXPECT_EQ(member(stats.body, "deliveries"), "75");
  EXPECT_EQ(member(stats.body, "topics"), "1");
  EXPECT_EQ(member(stats.body, "cursor"), "\"" + cursor(last) + "\"");
  EXPECT_EQ(member(member(stats.body, "log"), "events"), "2");
}

// --- snapshots

TEST_F(ManagementTest, ASnapshotIsMadeWhereItIsAskedFor) {
  publish("news", "one");
  const std::string to = directory_.of("snapshot");

  const auto taken = ask("POST", "/v1/snapshot", R"({"to":")" + to + "\"}");

  EXPECT_EQ(taken->response().status, 201);
  EXPECT_TRUE(std::filesystem::exists(to + "/identity"));
}

TEST_F(ManagementTest, ASnapshotIsNotLaidOverAnother) {
  publish("news", "one");
  const std::string body = R"({"to":")" + directory_.of("snapshot") + "\"}";
  ASSERT_EQ(status("POST", "/v1/snapshot", body), 201);

  EXPECT_EQ(status("POST", "/v1/snapshot", body), 409);
}

TEST_F(ManagementTest, ASnapshotToNowhereIsRefused) {
  EXPECT_EQ(status("POST", "/v1/snapshot"), 400) << "no body";
  for (const char* body : {"", "{", "[]", "{}", R"({"to":""})", R"({"to":5})", "snapshot"})
    EXPECT_EQ(status("POST", "/v1/snapshot", body), 400) << body;
}

}  // namespace
}  // namespace carillon
