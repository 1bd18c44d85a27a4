#include "out/socket_session.h"

#include <gmock/gmock.h>

#include "base/limits.h"
#include "out/socket_client_test.h"
#include "testing/fake_event_door.h"

namespace carillon {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

const std::string kToken = "0123456789abcdef-member";

class SocketSessionTest : public testing::Test {
 protected:
  SocketSessionTest() {
    config.tokens = {{.token = kToken,
                      .publish = {*TopicPattern::parse("own.*")},
                      .subscribe = {*TopicPattern::parse("own.*")}}};
    access = std::make_unique<Access>(config);
    presences = std::make_unique<Presences>(hub.loop(), door);
    parts = std::make_unique<SessionParts>(
        SessionParts{hub.fan_out(), door, *presences, *access, config, memory_patterns});
  }

  FakeStreamHandle& open(bool everything = true) {
    Rights rights;
    rights.everything = everything;
    auto& handle = hub.open_socket(std::make_unique<SocketSession>(
        *parts, SocketSession::Opening{.session = "me", .rights = rights, .deflate_bits = 0}));
    hub.settle();
    return handle;
  }
  // What came since the last time.
  std::vector<std::string> news(FakeStreamHandle& handle) {
    hub.settle();
    auto all = heard(handle);
    all.erase(all.begin(), all.begin() + static_cast<ptrdiff_t>(known));
    known += all.size();
    return all;
  }

  void refuse() {
    door.answer(std::unexpected(make_problem(kOverloaded, "too much", "Try again.")));
  }
  // The change and the end of the data of each.
  std::vector<std::string> presences_told() const {
    std::vector<std::string> told;
    for (const auto& each : door.published)
      told.push_back(each.event.event.type.substr(18) + " " + each.event.event.data.substr(23));
    return told;
  }

  FakeEventDoor door;  // outlives the sessions
  Config config;
  std::vector<TopicPattern> memory_patterns;
  std::unique_ptr<Access> access;
  std::unique_ptr<Presences> presences;
  std::unique_ptr<SessionParts> parts;
  size_t known = 0;
  Hub hub;
};

TEST_F(SocketSessionTest, SaysHelloAndBeginsASubscriptionBeforeItsEvents) {
  auto& handle = open();
  EXPECT_THAT(news(handle), ElementsAre(HasSubstr(R"({"op":"hello","version":1,"session":"me")")));

  say(handle, R"({"op":"subscribe","id":"s","topics":["a"]})");
  hub.publish("a", "x");

  EXPECT_THAT(news(handle),
              ElementsAre(HasSubstr(R"({"op":"ok","id":"s","sub":)"),
                          AllOf(HasSubstr(R"({"op":"event","sub":)"), HasSubstr(R"("data":"x")"))));
}

TEST_F(SocketSessionTest, OneWhoseStartIsStillLookedForCanBeEnded) {
  auto& handle = open();
  hub.publish("a", "x");
  hub.settle();
  (void)news(handle);

  say(handle, R"({"op":"subscribe","id":"s","topics":["a"],"after":"-1"})");
  say(handle, R"({"op":"unsubscribe","id":"s"})");

  EXPECT_THAT(news(handle), ElementsAre(R"({"op":"ok","id":"s"})"));
  EXPECT_EQ(hub.fan_out().readers(), 0U);
}

TEST_F(SocketSessionTest, AnIdThatIsUsedAgainBeginsAtItsOwnPlace) {
  auto& handle = open();
  for (const char* data : {"1", "2", "3"}) hub.publish("b", data);
  hub.publish("a", "other");
  hub.settle();
  (void)news(handle);

  say(handle, R"({"op":"subscribe","id":"s","topics":["a"],"after":"-1"})");
  say(handle, R"({"op":"unsubscribe","id":"s"})");
  say(handle, R"({"op":"subscribe","id":"s","topics":["b"],"after":"-3"})");

  EXPECT_THAT(news(handle),
              ElementsAre(R"({"op":"ok","id":"s"})", HasSubstr(R"("op":"ok","id":"s","sub")"),
                          HasSubstr(R"("data":"1")"), HasSubstr(R"("data":"2")"),
                          HasSubstr(R"("data":"3")")));
}

TEST_F(SocketSessionTest, CreditHoldsBackAndAnAckGivesIt) {
  auto& handle = open();
  (void)news(handle);
  say(handle, R"({"op":"subscribe","id":"s","topics":["a"],"credit":2})");
  (void)news(handle);
  std::vector<std::string> cursors;
  for (int i = 0; i < 5; ++i) {
    hub.publish("a", std::to_string(i));
    hub.settle();
    cursors.push_back(Cursor{hub.hub().epoch(), hub.last()}.text());
  }
  EXPECT_THAT(news(handle), SizeIs(2));

  say(handle, R"({"op":"ack","id":"s","cursor":")" + cursors[0] + R"("})");
  EXPECT_THAT(news(handle), ElementsAre(HasSubstr(R"("data":"2")")));
  say(handle, R"({"op":"ack","id":"s","cursor":")" + cursors[2] + R"("})");

  EXPECT_THAT(news(handle), ElementsAre(HasSubstr(R"("data":"3")"), HasSubstr(R"("data":"4")")));
}

TEST_F(SocketSessionTest, AReaderWithCreditIsToldOfWhatWasRemovedMeanwhile) {
  auto& handle = open();
  say(handle, R"({"op":"subscribe","id":"s","topics":["a"],"credit":1})");
  hub.publish("a", "0");
  hub.settle();
  const auto first = Cursor{hub.hub().epoch(), hub.last()}.text();
  hub.publish("a", "1");
  hub.publish("a", "2");
  hub.settle();
  hub.trim("a", hub.last());
  (void)news(handle);

  say(handle, R"({"op":"ack","id":"s","cursor":")" + first + R"("})");

  EXPECT_THAT(news(handle), ElementsAre(AllOf(HasSubstr(R"("op":"gap")"), HasSubstr("expired")),
                                        HasSubstr(R"("data":"2")")));
}

TEST_F(SocketSessionTest, PublishesAreAnsweredByTheirId) {
  auto& handle = open();
  (void)news(handle);
  say(handle, R"({"op":"publish","id":"p","topic":"a","data":[1]})");
  say(handle, R"({"op":"publish","id":"q","topic":"a","data":[2]})");

  door.answer(StoredEvent{.cursor = {hub.hub().epoch(), Position{7}}});
  door.answer(std::unexpected(make_problem(kOverloaded, "d", "f")));

  EXPECT_THAT(news(handle),
              ElementsAre(AllOf(HasSubstr(R"("op":"ok","id":"p")"), HasSubstr("-7")),
                          AllOf(HasSubstr(R"("op":"error","id":"q")"), HasSubstr("overloaded"))));
}

TEST_F(SocketSessionTest, AStrangerMustSayWhoHeIs) {
  auto& handle = open(/*everything=*/false);
  (void)news(handle);
  say(handle, R"({"op":"subscribe","id":"s","topics":["own.a"]})");
  EXPECT_THAT(news(handle), ElementsAre(HasSubstr(R"("status":401)")));

  auto& owner = static_cast<DuplexOwner&>(*handle.owner());
  owner.on_sweep(hub.later(seconds(4)));
  EXPECT_THAT(news(handle), SizeIs(0));
  owner.on_sweep(hub.later(seconds(5)));

  EXPECT_THAT(news(handle), ElementsAre("close 4401"));
}

TEST_F(SocketSessionTest, ATokenInPlaceGivesItsRightsAndTakesOthers) {
  auto& handle = open();
  say(handle, R"({"op":"subscribe","id":"s","topics":["other"]})");
  say(handle, R"({"op":"subscribe","id":"t","topics":["own.a"]})");
  (void)news(handle);

  say(handle, R"({"op":"auth","id":"a","token":")" + kToken + R"("})");

  EXPECT_THAT(news(handle),
              ElementsAre(R"({"op":"ok","id":"a"})", AllOf(HasSubstr(R"("op":"error","id":"s")"),
                                                           HasSubstr(R"("status":403)"))));
  EXPECT_EQ(hub.fan_out().readers(), 1U);
}

TEST_F(SocketSessionTest, WhoeverIsGoneLeavesWhereHeWas) {
  auto& handle = open();
  say(handle, R"({"op":"presence","id":"1","topic":"room","state":{"name":"Ada"}})");
  say(handle, R"({"op":"presence","id":"2","topic":"room","state":{"name":"Ada","x":1}})");
  say(handle, R"({"op":"presence","id":"3","topic":"hall","state":1})");
  say(handle, R"({"op":"presence","id":"4","topic":"hall","state":null})");

  handle.lose_peer();

  std::vector<std::string> told;
  for (const auto& each : door.published)
    told.push_back(each.topic + " " + each.event.event.type + " " + each.event.event.data);
  const std::string room = "$sys.presence.room carillon.presence.";
  const std::string hall = "$sys.presence.hall carillon.presence.";
  EXPECT_THAT(told, ElementsAre(room + R"(join {"member":"me","state":{"name":"Ada"}})",
                                room + R"(change {"member":"me","state":{"name":"Ada","x":1}})",
                                hall + R"(join {"member":"me","state":1})",
                                hall + R"(leave {"member":"me","state":1})",
                                room + R"(leave {"member":"me","state":{"name":"Ada","x":1}})"));
  for (const auto& each : door.published) EXPECT_EQ(each.event.event.key, "me");
}

TEST_F(SocketSessionTest, APresenceThatTheLogRefusesHasNotHappened) {
  auto& handle = open();
  say(handle, R"({"op":"presence","id":"1","topic":"room","state":1})");
  refuse();
  say(handle, R"({"op":"presence","id":"2","topic":"room","state":2})");
  door.answer(StoredEvent{});
  say(handle, R"({"op":"presence","id":"3","topic":"room","state":3})");
  refuse();
  handle.lose_peer();

  EXPECT_THAT(presences_told(), ElementsAre("join 1}", "join 2}", "change 3}", "leave 2}"));
}

TEST_F(SocketSessionTest, ARefusedPresenceDoesNotUndoTheOneBehindIt) {
  auto& handle = open();
  say(handle, R"({"op":"presence","id":"1","topic":"room","state":1})");
  say(handle, R"({"op":"presence","id":"2","topic":"room","state":2})");
  refuse();
  door.answer(StoredEvent{});
  handle.lose_peer();

  EXPECT_THAT(presences_told(), ElementsAre("join 1}", "change 2}", "leave 2}"));
}

TEST_F(SocketSessionTest, ALeaveThatIsRefusedIsToldAgainThoughItsSessionIsGone) {
  auto& handle = open();
  say(handle, R"({"op":"presence","id":"1","topic":"room","state":1})");
  door.answer(StoredEvent{});
  say(handle, R"({"op":"presence","id":"2","topic":"room","state":null})");
  handle.lose_peer();
  refuse();

  presences->on_sweep(hub.later(seconds(1)));

  EXPECT_THAT(presences_told(), ElementsAre("join 1}", "leave 1}", "leave 1}"));
}

TEST_F(SocketSessionTest, ADrainEndsBehindTheAnswersThatAreOwed) {
  auto& handle = open();
  say(handle, R"({"op":"publish","id":"p","topic":"a","data":1})");
  (void)news(handle);
  auto& owner = static_cast<DuplexOwner&>(*handle.owner());

  owner.on_drain();
  owner.on_drain();
  EXPECT_THAT(news(handle), ElementsAre(HasSubstr(R"({"op":"bye")")));
  door.answer(StoredEvent{.cursor = {hub.hub().epoch(), Position{7}}});

  EXPECT_THAT(news(handle), ElementsAre(HasSubstr(R"("op":"ok","id":"p")"), "close 1001"));
}

TEST_F(SocketSessionTest, ADrainSaysByeWithAndWithoutSubscriptions) {
  auto& idle = open();
  auto& reading = open();
  say(reading, R"({"op":"subscribe","id":"s","topics":["a"]})");
  hub.settle();

  hub.fan_out().drain();
  for (auto* handle : {&idle, &reading}) {
    if (handle->owner() != nullptr) static_cast<DuplexOwner&>(*handle->owner()).on_drain();
    const auto got = heard(*handle);
    EXPECT_THAT(got[got.size() - 2], HasSubstr(R"({"op":"bye","retry_ms":)"));
    EXPECT_EQ(got.back(), "close 1001");
  }
}

}  // namespace
}  // namespace carillon
