#include "net/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <string>
#include <thread>

namespace carillon {
namespace {

using testing::ElementsAre;

// Calls back at the end of each turn.
class End : public TurnEnd {
 public:
  explicit End(std::function<bool()> task) : task_(std::move(task)) {}
  bool on_turn_end() override { return task_(); }

 private:
  std::function<bool()> task_;
};

TEST(Loop, ATurnsEndRunsOnceBehindAllItsHandlers) {
  Loop loop(0);
  std::vector<std::string> happened;
  End end([&] {
    happened.emplace_back("end");
    return false;
  });
  loop.add_turn_end(end);
  loop.post([&] { happened.emplace_back("first"); });
  loop.post([&] { happened.emplace_back("second"); });
  loop.stop();

  loop.run();

  EXPECT_THAT(happened, ElementsAre("first", "second", "end"));
}

TEST(Loop, EndsRunInTheOrderOfTheirRegistration) {
  Loop loop(0);
  std::vector<int> happened;
  End first([&] { return happened.push_back(1), false; });
  End second([&] { return happened.push_back(2), false; });
  loop.add_turn_end(first);
  loop.add_turn_end(second);
  loop.stop();

  loop.run();

  EXPECT_THAT(happened, ElementsAre(1, 2));
}

TEST(Loop, AnEndWithMoreToDoIsCalledAgainWithoutAnythingElseHappening) {
  Loop loop(0);
  int left = 5;
  End end([&] {
    if (--left == 0) loop.stop();
    return left > 0;
  });
  loop.add_turn_end(end);
  loop.post([] {});

  loop.run();

  EXPECT_LE(left, 0);
}

TEST(Loop, EveryEndIsAskedEvenWhenAnEarlierOneHasMoreToDo) {
  Loop loop(0);
  int asked = 0;
  bool again = true;
  End busy([&] { return std::exchange(again, false); });
  End other([&] { return ++asked, false; });
  loop.add_turn_end(busy);
  loop.add_turn_end(other);
  loop.stop();

  loop.run();

  EXPECT_EQ(asked, 1);
}

TEST(Loop, ATurnIsOneHandlerAndAtMost256MoreSoThatItsEndIsNotPutOff) {
  Loop loop(0);
  int handled = 0;
  std::vector<int> handled_at_ends;
  End end([&] {
    handled_at_ends.push_back(handled);
    return false;
  });
  loop.add_turn_end(end);
  for (int i = 0; i < 600; ++i) {
    boost::asio::post(loop.context(), [&] {
      if (++handled == 600) loop.stop();
    });
  }

  loop.run();

  EXPECT_EQ(handled, 600);
  ASSERT_GE(handled_at_ends.size(), 3U);
  EXPECT_LE(handled_at_ends[0], 257);
  EXPECT_LE(handled_at_ends[1], 514);
}

TEST(Loop, MailFromManyThreadsIsTakenWithOneWakeUp) {
  Loop loop(0);
  int turns = 0;
  int ran = 0;
  End end([&] { return ++turns, false; });
  loop.add_turn_end(end);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 100; ++k) loop.post([&] { ++ran; });
      });
    }
  }
  loop.stop();

  loop.run();

  EXPECT_EQ(ran, 400);
  EXPECT_EQ(turns, 1);
}

TEST(Loop, MailThatComesWhileItRunsIsTakenToo) {
  Loop loop(0);
  constexpr int kThreads = 4;
  constexpr int kTasks = 1'000;
  int ran = 0;
  std::thread running([&] { loop.run(); });
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < kTasks; ++k) {
          loop.post([&] {
            if (++ran == kThreads * kTasks) loop.stop();
          });
        }
      });
    }
  }

  running.join();

  EXPECT_EQ(ran, kThreads * kTasks);
}

TEST(Loop, ATaskMayPostAnother) {
  Loop loop(0);
  std::vector<std::string> happened;
  loop.post([&] {
    happened.emplace_back("outer");
    loop.post([&] {
      happened.emplace_back("inner");
      loop.stop();
    });
  });

  loop.run();

  EXPECT_THAT(happened, ElementsAre("outer", "inner"));
}

TEST(Loop, KnowsItsNumberAndTheTimeItsTurnBegan) {
  Loop loop(3);
  const auto before = loop.now();
  MonotonicTime in_turn;
  loop.post([&] { in_turn = loop.now(); });
  loop.stop();

  loop.run();

  EXPECT_EQ(loop.index(), 3U);
  EXPECT_GE(loop.now(), before);
  EXPECT_GE(loop.now(), in_turn);
}

}  // namespace
}  // namespace carillon
