#include "log/read_pool.h"

#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

namespace carillon {
namespace {

using testing::ElementsAre;

TEST(ReadPool, TasksRunFirstComeFirstServedOnAnotherThread) {
  std::vector<int> order;
  std::thread::id ran_on;
  std::latch done(3);
  ReadPool pool(1);

  for (const int number : {1, 2, 3}) {
    pool.run([&, number] {
      order.push_back(number);
      ran_on = std::this_thread::get_id();
      done.count_down();
    });
  }
  done.wait();

  EXPECT_THAT(order, ElementsAre(1, 2, 3));
  EXPECT_NE(ran_on, std::this_thread::get_id());
}

TEST(ReadPool, OneTaskThatBlocksHoldsUpNoOther) {
  std::binary_semaphore released(0);
  std::latch other_done(1);
  std::latch both_done(2);
  ReadPool pool(2);
  pool.run([&] {
    released.acquire();
    both_done.count_down();
  });

  pool.run([&] {
    other_done.count_down();
    both_done.count_down();
  });

  other_done.wait();
  released.release();
  both_done.wait();
}

TEST(ReadPool, ATaskMayAskForAnother) {
  std::latch done(1);
  ReadPool pool(1);

  pool.run([&] { pool.run([&] { done.count_down(); }); });

  done.wait();
}

TEST(ReadPool, AnyThreadMayAsk) {
  constexpr int kThreads = 4;
  constexpr int kTasks = 100;
  std::atomic<int> ran = 0;
  std::latch done(kThreads * kTasks);
  ReadPool pool(2);
  std::vector<std::jthread> askers;

  for (int i = 0; i < kThreads; ++i) {
    askers.emplace_back([&] {
      for (int task = 0; task < kTasks; ++task) {
        pool.run([&] {
          ++ran;
          done.count_down();
        });
      }
    });
  }
  done.wait();

  EXPECT_EQ(ran.load(), kThreads * kTasks);
}

TEST(ReadPool, ATaskThatHasBegunIsFinishedBeforeThePoolIsGone) {
  std::binary_semaphore begun(0);
  std::atomic<bool> finished = false;
  {
    ReadPool pool(1);
    pool.run([&] {
      begun.release();
      std::this_thread::yield();
      finished = true;
    });
    begun.acquire();
  }

  EXPECT_TRUE(finished.load());
}

// Each task asks for the next, so there is always one that has not begun.
TEST(ReadPool, WhatHasNotBegunIsDroppedSoThatAPoolThatIsNeverIdleEnds) {
  const auto held = std::make_shared<int>();
  std::binary_semaphore begun(0);
  std::atomic<bool> first = true;
  std::function<void()> next;
  auto pool = std::make_unique<ReadPool>(1);
  ReadPool& endless = *pool;
  next = [&] {
    endless.run([&next, held] { next(); });
    if (first.exchange(false)) begun.release();
  };
  endless.run([&next, held] { next(); });
  begun.acquire();

  pool.reset();

  EXPECT_EQ(held.use_count(), 1) << "what a dropped task held is let go";
}

TEST(ReadPool, APoolThatWasNeverAskedEnds) { const ReadPool pool(3); }

}  // namespace
}  // namespace carillon
