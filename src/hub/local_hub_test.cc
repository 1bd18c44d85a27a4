#include "hub/local_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <mutex>
#include <semaphore>
#include <thread>

#include "testing/fake_disk.h"
#include "testing/log_fixture.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// What waits for the loop that the test plays.
class Mail {
 public:
  LocalHub::Post post() {
    return [this](std::move_only_function<void()> task) {
      {
        const std::scoped_lock lock(mutex_);
        tasks_.push_back(std::move(task));
      }
      arrived_.release();
    };
  }
  // Waits for a task that another thread posts, and runs it.
  void run_next() {
    arrived_.acquire();
    std::move_only_function<void()> task;
    {
      const std::scoped_lock lock(mutex_);
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
  size_t waiting() const {
    const std::scoped_lock lock(mutex_);
    return tasks_.size();
  }

 private:
  mutable std::mutex mutex_;  // guards tasks_
  std::deque<std::move_only_function<void()>> tasks_;
  std::counting_semaphore<> arrived_{0};
};

class Listener : public CommitListener {
 public:
  explicit Listener(std::vector<std::string>& heard) : heard_(heard) {}
  void on_commit(const Commit& commit) override {
    for (const EventView& event : commit.events) heard_.emplace_back(event.data());
  }

 private:
  std::vector<std::string>& heard_;
};

class LocalHubTest : public testing::Test {
 protected:
  LocalHubTest() { EXPECT_TRUE(log.open()); }

  std::unique_ptr<LocalHub> make_hub(Mail& mail, size_t tail_bytes = 1 << 20) {
    return std::make_unique<LocalHub>(log.log(), pool, mail.post(), tail_bytes);
  }
  void publish(LocalHub& hub, std::string_view topic, const std::vector<std::string>& datas) {
    hub.publish(LogFixture::append_of(topic, datas), [this, datas](const Result<Appended>& result) {
      happened.push_back((result ? "stored " : "refused ") + datas.front());
    });
  }
  std::vector<std::string> tail_of(const LocalHub& hub) {
    std::vector<std::string> datas;
    hub.tail().for_each_behind({}, [&](const EventView& event) {
      datas.emplace_back(event.data());
      return true;
    });
    return datas;
  }

  FakeDisk disk;
  LogFixture log{disk};
  ReadPool pool{1};
  std::vector<std::string> happened;
};

TEST_F(LocalHubTest, PublishesWaitForTheTurnsEndAndGoTogether) {
  Mail mail;
  const auto hub = make_hub(mail);
  const uint64_t before = log.log().stats().commits;
  publish(*hub, "a", {"1"});
  publish(*hub, "b", {"2"});
  log.commit_all();
  EXPECT_EQ(log.log().stats().commits, before);

  hub->hand_over();
  log.commit_all();

  EXPECT_EQ(log.log().stats().commits, before + 1);
  EXPECT_THAT(happened, IsEmpty());  // the loop has not run yet
}

TEST_F(LocalHubTest, ACommitAndItsAnswersAreOneMessageAndTheEventsComeFirst) {
  Mail mail;
  const auto hub = make_hub(mail);
  Listener listener(happened);
  hub->add_listener(listener);
  publish(*hub, "a", {"1", "2"});
  publish(*hub, "b", {"3"});
  hub->hand_over();
  log.commit_all();

  EXPECT_EQ(mail.waiting(), 1U);
  mail.run_next();

  EXPECT_THAT(happened, ElementsAre("1", "2", "3", "stored 1", "stored 3"));
  EXPECT_THAT(tail_of(*hub), ElementsAre("1", "2", "3"));
  EXPECT_EQ(hub->tail().end(), log.log().durable_end());
}

TEST_F(LocalHubTest, ATurnWithoutPublishesHandsNothingOver) {
  Mail mail;
  const auto hub = make_hub(mail);

  hub->hand_over();
  log.commit_all();

  EXPECT_EQ(mail.waiting(), 0U);
}

TEST_F(LocalHubTest, EveryLoopHearsOfEveryCommitButOnlyThePublishersIsAnswered) {
  Mail mail;
  Mail other_mail;
  const auto hub = make_hub(mail);
  const auto other = make_hub(other_mail);
  publish(*hub, "a", {"1"});
  hub->hand_over();
  log.commit_all();

  other_mail.run_next();
  EXPECT_THAT(happened, IsEmpty());
  EXPECT_THAT(tail_of(*other), ElementsAre("1"));

  mail.run_next();
  EXPECT_THAT(happened, ElementsAre("stored 1"));
}

TEST_F(LocalHubTest, ALaterLoopBeginsAtTheDurableEnd) {
  ASSERT_TRUE(log.publish("a", "old"));
  Mail mail;

  const auto hub = make_hub(mail);

  EXPECT_EQ(hub->tail().start(), log.log().durable_end());
  EXPECT_EQ(hub->tail().end(), log.log().durable_end());
  EXPECT_EQ(hub->epoch(), log.log().epoch());
  EXPECT_THAT(tail_of(*hub), IsEmpty());
}

TEST_F(LocalHubTest, AFailedPublishIsAnsweredOnTheLoopToo) {
  Mail mail;
  const auto hub = make_hub(mail);
  disk.refuse(DiskCall::sync, Errc::io);
  disk.refuse(DiskCall::write, Errc::io);
  publish(*hub, "a", {"1"});
  hub->hand_over();
  log.commit_all();

  EXPECT_THAT(happened, IsEmpty());
  mail.run_next();

  EXPECT_THAT(happened, ElementsAre("refused 1"));
  EXPECT_THAT(tail_of(*hub), IsEmpty());
}

TEST_F(LocalHubTest, ARaisedMarkIsKnownToTheLoopWhenItsMessageRan) {
  Mail mail;
  const auto hub = make_hub(mail);
  ASSERT_TRUE(log.publish("a", "1"));
  const auto kept = log.publish("a", "2");
  ASSERT_TRUE(kept);
  mail.run_next();
  mail.run_next();
  TopicId topic;
  hub->tail().for_each_behind({}, [&](const EventView& event) {
    topic = event.topic_id();
    return true;
  });
  const uint64_t number = hub->mark_number();
  EXPECT_EQ(hub->mark_of(topic), Position());

  ASSERT_TRUE(log.trim("a", kept->last));
  mail.run_next();

  EXPECT_GT(hub->mark_of(topic), Position());
  EXPECT_LT(hub->mark_of(topic), kept->last);
  EXPECT_GE(hub->highest_mark(), hub->mark_of(topic));
  EXPECT_GT(hub->mark_number(), number);
  EXPECT_EQ(hub->mark_of(TopicId{4'000'000'000}), Position());
}

TEST_F(LocalHubTest, TheTailIsBoundedByItsBytes) {
  Mail mail;
  const auto hub = make_hub(mail, 4'096);

  for (int i = 0; i < 20; ++i) {
    publish(*hub, "a", {std::string(1'000, 'x')});
    hub->hand_over();
    log.commit_all();
    mail.run_next();
  }

  EXPECT_LT(tail_of(*hub).size(), 20U);
  EXPECT_GT(hub->tail().start(), Position());
  EXPECT_EQ(hub->tail().end(), log.log().durable_end());
}

TEST_F(LocalHubTest, WorkOffTheLoopRunsOnAnotherThreadAndComesBackAsATask) {
  Mail mail;
  const auto hub = make_hub(mail);
  std::thread::id worked_on;
  std::thread::id came_back_on;

  hub->off_loop([] { return std::this_thread::get_id(); },
                [&](std::thread::id where) {
                  worked_on = where;
                  came_back_on = std::this_thread::get_id();
                });
  mail.run_next();

  EXPECT_NE(worked_on, std::this_thread::get_id());
  EXPECT_EQ(came_back_on, std::this_thread::get_id());
}

TEST_F(LocalHubTest, AHubThatIsGoneHearsNothingMore) {
  Mail mail;
  make_hub(mail).reset();

  ASSERT_TRUE(log.publish("a", "1"));

  EXPECT_EQ(mail.waiting(), 0U);
}

}  // namespace
}  // namespace carillon
