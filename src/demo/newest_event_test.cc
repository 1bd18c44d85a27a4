#include "demo/newest_event.h"

#include <gtest/gtest.h>

#include <optional>

#include "testing/fake_disk.h"
#include "testing/fake_transport.h"
#include "testing/log_fixture.h"

namespace carillon {
namespace {

class NewestEventTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(log.open()); }

  std::optional<std::string> newest_data(std::string_view topic) {
    PlayedMail mail;
    HeldPool pool;
    LocalHub hub(log.log(), pool.pool(), mail.post(), kMiB);
    std::optional<std::string> found;
    find_newest_event(hub, topic, [&](const NewestEvent& newest) { found = newest.data; });
    EXPECT_FALSE(found) << "the log is not read on the loop";
    pool.run_all();
    mail.run_all();
    return found;
  }

  FakeDisk disk;
  LogFixture log{disk, 8 * kMiB};
};

TEST_F(NewestEventTest, TheNewestEventOfTheTopicIsFoundAmongThoseOfOthers) {
  ASSERT_TRUE(log.publish("season", "first"));
  ASSERT_TRUE(log.publish("season", "second"));
  ASSERT_TRUE(log.publish("other", "third"));

  EXPECT_EQ(newest_data("season"), "second");
}

TEST_F(NewestEventTest, ATopicWithoutEventsHasNone) { EXPECT_EQ(newest_data("season"), ""); }

TEST_F(NewestEventTest, AnEventThatWasRemovedIsNotFound) {
  ASSERT_TRUE(log.publish("season", "first"));
  ASSERT_TRUE(log.drop("season"));

  EXPECT_EQ(newest_data("season"), "");
}

}  // namespace
}  // namespace carillon
