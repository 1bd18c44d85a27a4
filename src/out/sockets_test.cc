#include "out/sockets.h"

#include <gmock/gmock.h>

#include "out/socket_client_test.h"
#include "testing/fake_event_door.h"
#include "testing/fake_exchange.h"

namespace carillon {
namespace {

using testing::HasSubstr;

class SocketsTest : public testing::Test {
 protected:
  SocketsTest() {
    config.mode = HubMode::dev;
    access = std::make_unique<Access>(config);
    sockets = std::make_unique<Sockets>(hub.fan_out(), door, *access, config,
                                        Sockets::Chance{clock, random});
    sockets->add_routes(router);
  }

  std::shared_ptr<FakeExchange> request(const std::string& target,
                                        std::vector<HeaderField> more = {}) {
    std::vector<HeaderField> fields = {{"upgrade", "websocket"},
                                       {"connection", "Upgrade"},
                                       {"sec-websocket-version", "13"},
                                       {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}};
    fields.insert(fields.end(), more.begin(), more.end());
    return exchanges.emplace_back(
        std::make_shared<FakeExchange>(hub.loop(), "GET", target, std::move(fields)));
  }
  std::shared_ptr<FakeExchange> open_topic(const std::string& target,
                                           std::vector<HeaderField> more = {}) {
    auto exchange = request(target, std::move(more));
    sockets->open(exchange, {*TopicPattern::parse("t")}, "t");
    hub.settle();
    return exchange;
  }

  FakeEventDoor door;
  Config config;
  FakeClock clock;
  SeededRandom random{1};
  OpenGate gate;
  Router router{gate};
  std::unique_ptr<Access> access;
  Hub hub;
  std::unique_ptr<Sockets> sockets;
  std::vector<std::shared_ptr<FakeExchange>> exchanges;  // their sockets die first
};

TEST_F(SocketsTest, ATopicIsOpenedWithASubprotocolOrNone) {
  const auto plain = open_topic("/t/t");
  EXPECT_EQ(plain->response().status, 101);
  EXPECT_EQ(plain->field("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(plain->field("sec-websocket-protocol"), "");

  const auto structured =
      open_topic("/t/t", {{"sec-websocket-protocol", "carillon.v1.json, cloudevents.json"}});
  EXPECT_EQ(structured->field("sec-websocket-protocol"), "cloudevents.json");
}

TEST_F(SocketsTest, CompressionIsAgreedOnOnlyWhereItIsConfigured) {
  const std::vector<HeaderField> offer = {{"sec-websocket-extensions", "permessage-deflate"}};
  EXPECT_EQ(open_topic("/t/t", offer)->field("sec-websocket-extensions"), "");

  config.websocket_deflate = true;

  EXPECT_THAT(open_topic("/t/t", offer)->field("sec-websocket-extensions"),
              HasSubstr("permessage-deflate"));
}

TEST_F(SocketsTest, AWrongHandshakeOrOptionIsAnOrdinaryAnswer) {
  EXPECT_EQ(open_topic("/t/t", {{"sec-websocket-key", "again"}})->response().status, 400);
  EXPECT_EQ(open_topic("/t/t?after=nonsense")->response().status, 400);
  const auto version = open_topic("/t/t", {{"sec-websocket-version", "8"}});
  EXPECT_EQ(version->response().status, 426);
  EXPECT_EQ(version->field("sec-websocket-version"), "13");
}

TEST_F(SocketsTest, AGapIs410BeforeTheUpgradeUnlessThereIsAWordForIt) {
  const std::string strange = "/t/t?after=zzzz-5";

  EXPECT_EQ(open_topic(strange)->response().status, 410);
  EXPECT_EQ(open_topic(strange + "&gap=ok")->response().status, 101);
  EXPECT_EQ(
      open_topic(strange, {{"sec-websocket-protocol", "cloudevents.json"}})->response().status,
      101);
}

TEST_F(SocketsTest, ASessionNeedsAnUpgradeAndNoWrongToken) {
  const auto plain = std::make_shared<FakeExchange>(hub.loop(), "GET", "/ws");
  router.begin(plain);
  EXPECT_EQ(plain->response().status, 426);

  const auto wrong = request("/ws", {{"authorization", "Bearer nobody"}});
  router.begin(wrong);
  EXPECT_EQ(wrong->response().status, 401);

  const auto right = request("/ws", {{"sec-websocket-protocol", "carillon.v1.json"}});
  router.begin(right);
  EXPECT_EQ(right->response().status, 101);
  EXPECT_THAT(right->streamed(), HasSubstr(R"("op":"hello")"));
}

}  // namespace
}  // namespace carillon
