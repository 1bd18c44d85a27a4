#include "net/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/fake_exchange.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Writes down what it is asked, and refuses when told to.
class NotingGate : public RequestGate {
 public:
  std::optional<Response> refuse(const Exchange& exchange, RouteRight right) const override {
    asked.push_back(exchange.target().path + " " + std::string(name_of(right)));
    if (refuses) return Response{.status = 403};
    return std::nullopt;
  }
  std::vector<HeaderField> answer_fields(const Exchange&) const override {
    return {{"vary", "Origin"}};
  }
  Response preflight(const Exchange&, const std::string& methods) const override {
    return {.status = 204, .fields = {{"allow", methods}}};
  }

  bool refuses = false;
  mutable std::vector<std::string> asked;
};

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    add("GET", "/");
    add("GET", "/t/{topic}", RouteRight::subscribe);
    add("POST", "/t/{topic}", RouteRight::publish);
    add("GET", "/t/{topic}/latest", RouteRight::subscribe);
    add("GET", "/t/{topic}/events/{cursor}", RouteRight::subscribe);
    add("DELETE", "/v1/topics/{topic}", RouteRight::manage);
    add("GET", "/files/{*rest}");
    add("GET", "/files/own");
  }
  void add(const std::string& method, const std::string& path,
           RouteRight right = RouteRight::open) {
    router.add({method, path, right,
                [this, name = method + " " + path](const std::shared_ptr<Exchange>& exchange,
                                                   const PathValues& values) {
                  called.push_back(name);
                  taken = values;
                  exchange->respond({.status = 200});
                }});
  }
  std::shared_ptr<FakeExchange> ask(std::string method, std::string target) {
    auto exchange = std::make_shared<FakeExchange>(loop, std::move(method), std::move(target));
    router.begin(exchange);
    return exchange;
  }

  Loop loop{0};
  NotingGate gate;
  Router router{gate};
  std::vector<std::string> called;
  PathValues taken;
};

TEST_F(RouterTest, ARouteIsFoundByMethodAndPathAndGetsItsValues) {
  EXPECT_EQ(ask("POST", "/t/news")->response().status, 200);
  EXPECT_THAT(called, ElementsAre("POST /t/{topic}"));
  EXPECT_THAT(taken, ElementsAre("news"));

  ask("GET", "/t/news/events/a-1?x=y");
  EXPECT_EQ(called.back(), "GET /t/{topic}/events/{cursor}");
  EXPECT_THAT(taken, ElementsAre("news", "a-1"));
}

TEST_F(RouterTest, TheRestOfAPathIsOneValue) {
  ask("GET", "/files/a/b.css");

  EXPECT_THAT(taken, ElementsAre("a/b.css"));
}

TEST_F(RouterTest, TheFirstRouteThatMatchesWins) {
  ask("GET", "/files/own");

  EXPECT_THAT(called, ElementsAre("GET /files/{*rest}"));
}

TEST_F(RouterTest, AnUnknownPathIs404) {
  for (const char* path : {"/nothing", "/t", "/t/", "/t/a/b", "/t/a/latest/", "/T/a"}) {
    const auto exchange = ask("GET", path);
    EXPECT_EQ(exchange->response().status, 404) << path;
    EXPECT_THAT(exchange->response().body, HasSubstr("/problems/not-found"));
  }
  EXPECT_THAT(called, IsEmpty());
}

TEST_F(RouterTest, AMethodThatIsNotAllowedIs405WithThoseThatAre) {
  const auto exchange = ask("PUT", "/t/news");

  EXPECT_EQ(exchange->response().status, 405);
  EXPECT_EQ(exchange->field("allow"), "GET, HEAD, OPTIONS, POST");
  EXPECT_EQ(ask("POST", "/t/news/latest")->field("allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(ask("GET", "/v1/topics/a")->field("allow"), "DELETE, OPTIONS");
  EXPECT_THAT(called, IsEmpty());
}

TEST_F(RouterTest, AMethodThatNobodyKnowsIs501) {
  EXPECT_EQ(ask("BREW", "/t/news")->response().status, 501);
  EXPECT_EQ(ask("get", "/t/news")->response().status, 501);
}

TEST_F(RouterTest, HeadIsAnsweredWhereverGetIs) {
  EXPECT_EQ(ask("HEAD", "/t/news")->response().status, 200);
  EXPECT_THAT(called, ElementsAre("GET /t/{topic}"));
  EXPECT_EQ(ask("HEAD", "/v1/topics/a")->response().status, 405);
}

TEST_F(RouterTest, OptionsNamesTheMethodsOfThePathAndOfTheServer) {
  const auto exchange = ask("OPTIONS", "/t/news");

  EXPECT_EQ(exchange->response().status, 204);
  EXPECT_EQ(exchange->field("allow"), "GET, HEAD, OPTIONS, POST");
  EXPECT_EQ(ask("OPTIONS", "*")->response().status, 204);
  EXPECT_EQ(ask("OPTIONS", "/nothing")->response().status, 404);
  EXPECT_THAT(called, IsEmpty());
}

TEST_F(RouterTest, TheGateIsAskedFirstWithWhatTheRouteNeeds) {
  ask("POST", "/t/news");
  ask("DELETE", "/v1/topics/a");
  ask("GET", "/");

  EXPECT_THAT(gate.asked, ElementsAre("/t/news publish", "/v1/topics/a manage", "/ open"));
}

TEST_F(RouterTest, WhatTheGateRefusesReachesNoHandlerAndTellsNothingOfTheRoutes) {
  gate.refuses = true;

  for (const char* path : {"/t/news", "/nothing", "/v1/topics/a"}) {
    for (const char* method : {"GET", "POST", "OPTIONS", "DELETE"}) {
      EXPECT_EQ(ask(method, path)->response().status, 403) << method << " " << path;
    }
  }
  EXPECT_THAT(called, IsEmpty());
}

TEST_F(RouterTest, WhatGoesWithEveryAnswerGoesWithErrorsToo) {
  EXPECT_EQ(ask("GET", "/t/news")->field("vary"), "Origin");
  EXPECT_EQ(ask("GET", "/nothing")->field("vary"), "Origin");
  EXPECT_EQ(ask("PUT", "/t/news")->field("vary"), "Origin");
}

TEST_F(RouterTest, AReadWaitsForTheAnswersBeforeItAndAPublishDoesNot) {
  const auto read = std::make_shared<FakeExchange>(loop, "GET", "/t/news");
  read->hold();
  router.begin(read);
  const auto publish = std::make_shared<FakeExchange>(loop, "POST", "/t/news");
  publish->hold();
  router.begin(publish);
  EXPECT_THAT(called, ElementsAre("POST /t/{topic}"));

  read->become_due();

  EXPECT_THAT(called, ElementsAre("POST /t/{topic}", "GET /t/{topic}"));
  EXPECT_TRUE(read->answered());
}

TEST_F(RouterTest, EveryRouteSaysWhatItNeeds) {
  EXPECT_EQ(router.routes().size(), 8U);
  EXPECT_EQ(name_of(RouteRight::open), "open");
  EXPECT_EQ(name_of(RouteRight::probe), "probe");
  EXPECT_EQ(name_of(RouteRight::publish), "publish");
  EXPECT_EQ(name_of(RouteRight::subscribe), "subscribe");
  EXPECT_EQ(name_of(RouteRight::manage), "manage");
}

}  // namespace
}  // namespace carillon
