#include "out/presences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/fake_event_door.h"

namespace carillon {
namespace {

using testing::ElementsAre;

class PresencesTest : public testing::Test {
 protected:
  void sweep() { presences.on_sweep(loop.now()); }
  void refuse() { door.answer(std::unexpected(make_problem(kOverloaded, "too much", ""))); }
  std::vector<std::string> told() const {
    std::vector<std::string> all;
    for (const auto& one : door.published)
      all.push_back(one.topic + " " + one.event.event.type + " " + one.event.event.key);
    return all;
  }

  Loop loop{0};
  FakeEventDoor door;
  Presences presences{loop, door};
};

TEST_F(PresencesTest, AChangeIsOneEventWhoseKeyIsTheMember) {
  presences.tell("room", "m1", "join", R"({"name":"Ada"})", [](const auto&) {});

  EXPECT_THAT(told(), ElementsAre("$sys.presence.room carillon.presence.join m1"));
  EXPECT_EQ(door.published[0].event.event.data, R"({"member":"m1","state":{"name":"Ada"}})");
}

TEST_F(PresencesTest, ALeaveThatTheLogRefusesIsToldAgainUntilItIsTaken) {
  presences.leave("room", "m1", "1");
  refuse();

  sweep();
  refuse();
  sweep();
  door.answer(StoredEvent{});
  sweep();

  const std::string leave = "$sys.presence.room carillon.presence.leave m1";
  EXPECT_THAT(told(), ElementsAre(leave, leave, leave));
}

TEST_F(PresencesTest, WhoComesBackIsNotOvertakenByALeaveThatWaits) {
  presences.leave("room", "m1", "1");
  presences.leave("room", "m2", "1");
  refuse();
  refuse();

  presences.tell("room", "m1", "join", "2", [](const auto&) {});
  sweep();

  ASSERT_EQ(told().size(), 4U);
  EXPECT_EQ(told()[2], "$sys.presence.room carillon.presence.join m1");
  EXPECT_EQ(told()[3], "$sys.presence.room carillon.presence.leave m2");
}

TEST_F(PresencesTest, ALeaveThatIsTakenIsToldOnce) {
  presences.leave("room", "m1", "1");
  door.answer(StoredEvent{});

  sweep();
  sweep();

  EXPECT_EQ(told().size(), 1U);
}

}  // namespace
}  // namespace carillon
