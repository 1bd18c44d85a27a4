#include "admin/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "testing/fake_exchange.h"

namespace carillon {
namespace {

using testing::HasSubstr;
using Fields = std::vector<HeaderField>;

const std::string kManageToken = "0123456789abcdef-manage";
const std::string kReadToken = "0123456789abcdef-read";

// Routes of every right behind a gate, as a hub has them.
class GateTest : public testing::Test {
 protected:
  void SetUp() override { begin(); }

  // With the config as it is now.
  void begin() {
    access_ = std::make_unique<Access>(config_);
    gate_ = std::make_unique<Gate>(config_, *access_);
    router_ = std::make_unique<Router>(*gate_);
    add("GET", "/page", RouteRight::open);
    add("GET", "/healthz", RouteRight::probe);
    add("GET", "/t/news", RouteRight::subscribe);
    add("POST", "/t/news", RouteRight::publish);
    add("GET", "/v1/stats", RouteRight::manage);
    add("DELETE", "/v1/topics/news", RouteRight::manage);
  }
  void add(const std::string& method, const std::string& path, RouteRight right) {
    router_->add(
        {method, path, right, [](const std::shared_ptr<Exchange>& exchange, const PathValues&) {
           exchange->respond({.status = 200});
         }});
  }
  void begin_in_dev() {
    config_.mode = HubMode::dev;
    begin();
  }
  void begin_with_tokens() {
    config_.tokens = {{.token = kManageToken, .manage = true}, {.token = kReadToken}};
    begin();
  }
  void begin_behind_a_name() {
    config_.public_url = "https://hub.example";
    config_.hosts = {"hub.internal"};
    begin();
  }

  // As `localhost:8080` unless `fields` name another host.
  std::shared_ptr<FakeExchange> ask(const std::string& method, const std::string& path,
                                    Fields fields = {}) {
    if (std::ranges::find(fields, std::string("host"), &HeaderField::name) == fields.end())
      fields.push_back({"host", "localhost:8080"});
    auto exchange = std::make_shared<FakeExchange>(loop_, method, path, std::move(fields));
    exchange->set_loopback(from_loopback_);
    router_->begin(exchange);
    return exchange;
  }
  int status(const std::string& method, const std::string& path, Fields fields = {}) {
    return ask(method, path, std::move(fields))->response().status;
  }

  Config config_;
  bool from_loopback_ = true;
  Loop loop_{0};
  std::unique_ptr<Access> access_;
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<Router> router_;
};

// --- Host

TEST_F(GateTest, InDevTheNamesOfLoopbackAreTakenWithAnyPort) {
  begin_in_dev();

  for (const char* host : {"localhost", "localhost:8080", "LocalHost:80", "127.0.0.1",
                           "127.0.0.1:1", "[::1]", "[::1]:8080"}) {
    EXPECT_EQ(status("GET", "/page", {{"host", host}}), 200) << host;
    EXPECT_EQ(status("GET", "/v1/stats", {{"host", host}}), 200) << host;
  }
}

TEST_F(GateTest, InDevANameThatSomebodyBoundToThisMachineReachesNothing) {
  begin_in_dev();

  for (const char* host : {"evil.example", "evil.example:8080", "localhost.evil.example",
                           "localhost:8080.evil.example", "127.0.0.1.evil.example",
                           "[::1].evil.example", "evil-localhost"}) {
    for (const char* path : {"/page", "/v1/stats", "/nothing"}) {
      const auto exchange = ask("GET", path, {{"host", host}});
      EXPECT_EQ(exchange->response().status, 403) << host << path;
      EXPECT_THAT(exchange->response().body, HasSubstr("/problems/host-not-allowed"));
    }
  }
}

TEST_F(GateTest, AServerIsReachedByItsPublicNameAndItsConfiguredOnesAlone) {
  begin_behind_a_name();
  from_loopback_ = false;

  for (const char* host : {"hub.example", "HUB.example", "hub.internal", "hub.internal:9000"})
    EXPECT_EQ(status("GET", "/page", {{"host", host}}), 200) << host;
  for (const char* host : {"evil.example", "hub.example.evil.example", "not-hub.example",
                           "hub.internal.evil.example", "192.0.2.1", "localhost:8080"})
    EXPECT_EQ(status("GET", "/page", {{"host", host}}), 403) << host;
}

TEST_F(GateTest, APublicNameWithAPortIsThatPortsAlone) {
  config_.public_url = "https://hub.example:8443";
  begin();
  from_loopback_ = false;

  EXPECT_EQ(status("GET", "/page", {{"host", "hub.example:8443"}}), 200);
  EXPECT_EQ(status("GET", "/page", {{"host", "hub.example:9999"}}), 403);
}

TEST_F(GateTest, AServersOwnMachineReachesItByLoopback) {
  begin_behind_a_name();

  EXPECT_EQ(status("GET", "/page", {{"host", "localhost:8080"}}), 200);
  EXPECT_EQ(status("GET", "/page", {{"host", "evil.example"}}), 403);
}

TEST_F(GateTest, AServerThatWasToldNoNameAnswersToAny) {
  from_loopback_ = false;

  EXPECT_EQ(status("GET", "/page", {{"host", "192.0.2.1:8080"}}), 200);
  EXPECT_EQ(status("GET", "/page", {{"host", "whatever.example"}}), 200);
}

TEST_F(GateTest, AClientOfHttp10NeedNotNameAHost) {
  begin_in_dev();
  const auto exchange = std::make_shared<FakeExchange>(loop_, "GET", "/page");
  exchange->set_http_minor(0);

  router_->begin(exchange);

  EXPECT_EQ(exchange->response().status, 200);
}

// --- Origin

TEST_F(GateTest, WithoutAnOriginAndFromTheHubsOwnThingsMayBeChanged) {
  begin_behind_a_name();

  EXPECT_EQ(status("POST", "/t/news"), 200) << "curl sends none";
  EXPECT_EQ(status("POST", "/t/news", {{"origin", "http://localhost:8080"}}), 200);
  EXPECT_EQ(
      status("POST", "/t/news", {{"host", "hub.internal"}, {"origin", "https://hub.example"}}), 200)
      << "a proxy may ask by another name than the browser did";
}

TEST_F(GateTest, AStrangersPageMayReadButChangesNothing) {
  begin_in_dev();

  for (const char* origin : {"https://evil.example", "http://localhost.evil.example", "null",
                             "file://", "http://evil.example:8080"}) {
    for (const auto& [method, path] :
         {std::pair("POST", "/t/news"), std::pair("DELETE", "/v1/topics/news")}) {
      const auto exchange = ask(method, path, {{"origin", origin}});
      EXPECT_EQ(exchange->response().status, 403) << method << origin;
      EXPECT_THAT(exchange->response().body, HasSubstr("/problems/origin-not-allowed"));
    }
    EXPECT_EQ(status("GET", "/t/news", {{"origin", origin}}), 200) << origin;
    EXPECT_EQ(status("HEAD", "/t/news", {{"origin", origin}}), 200) << origin;
  }
}

TEST_F(GateTest, AnAllowedOriginMayChangeThingsAndOneThatLooksLikeItMayNot) {
  config_.origins = {"https://app.example"};
  begin();

  EXPECT_EQ(status("POST", "/t/news", {{"origin", "https://app.example"}}), 200);
  for (const char* origin : {"http://app.example", "https://app.example:444",
                             "https://app.example.evil.example", "https://evil-app.example"})
    EXPECT_EQ(status("POST", "/t/news", {{"origin", origin}}), 403) << origin;
}

TEST_F(GateTest, InDevAPageOfAnyLoopbackPortMayChangeThings) {
  begin_in_dev();

  for (const char* origin :
       {"http://localhost:3000", "http://127.0.0.1:5173", "https://[::1]:1", "http://localhost"})
    EXPECT_EQ(status("POST", "/t/news", {{"origin", origin}}), 200) << origin;
}

TEST_F(GateTest, AServerTakesNoOtherLoopbackPortForItself) {
  begin_behind_a_name();

  EXPECT_EQ(status("POST", "/t/news", {{"origin", "http://localhost:3000"}}), 403);
}

TEST_F(GateTest, TheHubsOwnPageMayChangeThingsUnderAConfiguredNameInDevToo) {
  config_.hosts = {"box.local"};
  begin_in_dev();

  EXPECT_EQ(
      status("POST", "/t/news", {{"host", "box.local:8080"}, {"origin", "http://box.local:8080"}}),
      200);
}

TEST_F(GateTest, AProbeOfAnOrchestratorComesUnderAnyHost) {
  begin_in_dev();

  EXPECT_EQ(status("GET", "/healthz", {{"host", "10.1.2.3:8080"}}), 200);
  EXPECT_EQ(status("GET", "/page", {{"host", "10.1.2.3:8080"}}), 403);
}

TEST_F(GateTest, TwoOriginsAreRefusedEvenForReading) {
  begin_in_dev();
  const Fields both = {{"origin", "http://localhost:8080"}, {"origin", "https://evil.example"}};

  EXPECT_EQ(status("GET", "/t/news", both), 403);
  EXPECT_EQ(status("POST", "/t/news", both), 403);
}

// --- the right to manage

TEST_F(GateTest, ManagingNeedsATokenThatMay) {
  begin_with_tokens();
  const auto with = [&](const std::string& authorization) {
    return ask("GET", "/v1/stats", {{"authorization", authorization}});
  };

  EXPECT_EQ(ask("GET", "/v1/stats")->response().status, 401);
  EXPECT_EQ(ask("GET", "/v1/stats")->field("www-authenticate"), "Bearer");
  EXPECT_EQ(with("Bearer nobody-knows-this-one")->response().status, 401);
  EXPECT_THAT(with("Bearer nobody-knows-this-one")->field("www-authenticate"),
              HasSubstr("invalid_token"));
  EXPECT_EQ(with("Basic " + kManageToken)->response().status, 401);
  EXPECT_EQ(with("Bearer " + kReadToken)->response().status, 403);
  EXPECT_EQ(with("Bearer " + kManageToken)->response().status, 200);
  EXPECT_EQ(status("DELETE", "/v1/topics/news", {{"authorization", "Bearer " + kManageToken}}),
            200);
}

TEST_F(GateTest, InDevWithoutTokensThisMachineMayManageAndNoOther) {
  begin_in_dev();

  EXPECT_EQ(status("GET", "/v1/stats"), 200);
  EXPECT_EQ(status("GET", "/v1/stats", {{"authorization", "Bearer nobody-knows-this-one"}}), 401)
      << "a wrong token is wrong everywhere";
  from_loopback_ = false;
  EXPECT_EQ(status("GET", "/v1/stats"), 401);
}

TEST_F(GateTest, InDevWithTokensNobodyManagesWithoutOne) {
  config_.mode = HubMode::dev;
  begin_with_tokens();

  EXPECT_EQ(status("GET", "/v1/stats"), 401);
}

TEST_F(GateTest, AServerWithoutTokensIsManagedByNobody) {
  EXPECT_EQ(status("GET", "/v1/stats"), 401);
}

TEST_F(GateTest, WhatIsOpenNeedsNoToken) {
  begin_with_tokens();

  EXPECT_EQ(status("GET", "/page"), 200);
  EXPECT_EQ(status("GET", "/healthz"), 200);
}

// --- CORS

TEST_F(GateTest, APageOfAnAllowedOriginMayReadAnswersAndRefusals) {
  config_.origins = {"https://app.example"};
  begin_with_tokens();

  for (const char* path : {"/t/news", "/v1/stats", "/nothing"}) {
    const auto exchange = ask("GET", path, {{"origin", "https://app.example"}});
    EXPECT_EQ(exchange->field("access-control-allow-origin"), "https://app.example") << path;
    EXPECT_THAT(exchange->field("access-control-expose-headers"), HasSubstr("carillon-cursor"));
    EXPECT_EQ(exchange->field("vary"), "Origin");
  }
}

TEST_F(GateTest, AStrangersPageGetsNoLeaveToReadTheAnswer) {
  config_.origins = {"https://app.example"};
  begin();

  const auto exchange = ask("GET", "/t/news", {{"origin", "https://evil.example"}});

  EXPECT_EQ(exchange->field("access-control-allow-origin"), "");
  EXPECT_EQ(exchange->field("access-control-allow-credentials"), "");
  EXPECT_EQ(exchange->field("vary"), "Origin") << "no cache may give it to the allowed one";
}

TEST_F(GateTest, InDevPagesOfLoopbackMayReadAndInServeTheyMayNot) {
  EXPECT_EQ(ask("GET", "/t/news", {{"origin", "http://localhost:3000"}})
                ->field("access-control-allow-origin"),
            "");

  begin_in_dev();

  EXPECT_EQ(ask("GET", "/t/news", {{"origin", "http://localhost:3000"}})
                ->field("access-control-allow-origin"),
            "http://localhost:3000");
}

TEST_F(GateTest, APreflightNamesTheMethodsAndFieldsThatClientsSend) {
  config_.origins = {"https://app.example"};
  begin_with_tokens();

  const auto exchange =
      ask("OPTIONS", "/t/news",
          {{"origin", "https://app.example"}, {"access-control-request-method", "POST"}});

  EXPECT_EQ(exchange->response().status, 204) << "a browser sends no token with it";
  EXPECT_EQ(exchange->field("access-control-allow-origin"), "https://app.example");
  EXPECT_THAT(exchange->field("access-control-allow-methods"), HasSubstr("POST"));
  for (const char* field : {"Authorization", "Last-Event-ID", "Content-Type", "Idempotency-Key"})
    EXPECT_THAT(exchange->field("access-control-allow-headers"), HasSubstr(field));
}

TEST_F(GateTest, APreflightOfAStrangerAllowsNothing) {
  begin_in_dev();

  const auto exchange = ask("OPTIONS", "/t/news", {{"origin", "https://evil.example"}});

  for (const char* field : {"access-control-allow-origin", "access-control-allow-methods",
                            "access-control-allow-headers"})
    EXPECT_EQ(exchange->field(field), "") << field;
}

TEST_F(GateTest, OptionsUnderAForeignNameIsRefusedLikeAllElse) {
  begin_in_dev();

  EXPECT_EQ(status("OPTIONS", "/t/news", {{"host", "evil.example"}}), 403);
}

}  // namespace
}  // namespace carillon
