#include "admin/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "base/limits.h"
#include "hub/config.h"
#include "log/journal.h"
#include "testing/fake_disk.h"
#include "testing/fake_exchange.h"
#include "testing/log_fixture.h"
#include "wire/json_check.h"

namespace carillon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

// The probe and the doors of one loop over a log on a fake disk, whose threads the test plays.
class HealthTest : public testing::Test {
 protected:
  void SetUp() override {
    fixture_.settings = [this](std::string_view topic) { return config_.settings_for(topic); };
    start();
  }
  void TearDown() override { pool_.run_all(); }

  // As the process does, also after a kill.
  void start() {
    play_loop();  // what the hub before was still told
    router_.reset();
    door_.reset();
    probe_.reset();
    hub_.reset();
    ASSERT_TRUE(fixture_.open());
    hub_ = std::make_unique<LocalHub>(
        fixture_.log(), pool_.pool(),
        [this](std::move_only_function<void()> task) { loop_.post(std::move(task)); }, kMiB);
    probe_ = std::make_unique<HealthProbe>(loop_, *hub_, state_);
    door_ = std::make_unique<HealthDoor>(*hub_, state_);
    router_ = std::make_unique<Router>(gate_);
    door_->add_routes(*router_);
  }

  void commit() {
    hub_->hand_over();
    fixture_.commit_all();
  }
  void play_loop() {
    loop_.context().restart();
    loop_.context().poll();
  }
  void settle() {
    constexpr int kRounds = 4;  // a probe that was refused asks once more
    for (int round = 0; round < kRounds; ++round) {
      commit();
      play_loop();
      pool_.run_all();
      play_loop();
    }
  }
  // Each beginning is a probe at once; the next would come by itself 2 s later.
  void probe_times(int count) {
    for (int i = 0; i < count; ++i) {
      probe_->begin();
      settle();
    }
  }
  void probe_came_back(std::chrono::microseconds ago) {
    state_.seen_at_us = (loop_.now() - ago).time_since_epoch().count();
  }
  // Until not even a small publish is taken.
  void fill_up() {
    disk_.set_capacity(disk_.used_bytes());
    for (const size_t bytes : {100 * kKiB, size_t{1}}) {
      const std::string data(bytes, 'x');
      for (int i = 0; i < 100 && fixture_.publish("large", data); ++i) fixture_.keep_house();
      ASSERT_FALSE(fixture_.publish("large", data));
    }
  }

  Response ask(const std::string& path) {
    const auto exchange = std::make_shared<FakeExchange>(loop_, "GET", path);
    router_->begin(exchange);
    EXPECT_TRUE(check_json(exchange->response().body)) << exchange->response().body;
    return exchange->response();
  }

  FakeDisk disk_;
  LogFixture fixture_{disk_};
  Config config_;
  OpenGate gate_;
  Loop loop_{0};
  HeldPool pool_;
  HealthState state_;
  std::unique_ptr<LocalHub> hub_;
  std::unique_ptr<HealthProbe> probe_;
  std::unique_ptr<HealthDoor> door_;
  std::unique_ptr<Router> router_;
};

TEST_F(HealthTest, AHubWhoseProbeComesBackIsHealthyAndReady) {
  probe_times(1);

  const auto health = ask("/healthz");
  const auto ready = ask("/readyz");

  EXPECT_EQ(health.status, 200);
  EXPECT_THAT(health.body, AllOf(HasSubstr(R"("status":"ok")"), HasSubstr(R"("publish":"ok")"),
                                 HasSubstr(R"("read":"ok")")));
  EXPECT_EQ(ready.status, 200);
  EXPECT_THAT(ready.body, HasSubstr(R"("ready":true)"));
}

TEST_F(HealthTest, BeforeTheFirstProbeCameBackNothingIsPromised) {
  EXPECT_EQ(ask("/healthz").status, 503);
  EXPECT_EQ(ask("/readyz").status, 503);
}

TEST_F(HealthTest, AProbeThatDoesNotComeBackWithinFiveSecondsTurnsItRed) {
  probe_came_back(milliseconds(4'900));
  EXPECT_EQ(ask("/healthz").status, 200);

  probe_came_back(seconds(5));

  const auto health = ask("/healthz");
  EXPECT_EQ(health.status, 503);
  EXPECT_THAT(health.body, HasSubstr(R"("status":"failing")"));
  EXPECT_EQ(ask("/readyz").status, 503);
}

TEST_F(HealthTest, ACommitterThatHangsIsSeen) {
  probe_->begin();

  hub_->hand_over();
  play_loop();
  pool_.run_all();
  play_loop();

  EXPECT_EQ(ask("/healthz").status, 503);
}

TEST_F(HealthTest, AReadThatHangsIsSeen) {
  probe_->begin();

  commit();
  play_loop();

  EXPECT_EQ(ask("/healthz").status, 503);
}

TEST_F(HealthTest, EveryFifteenthProbeGoesThroughASync) {
  probe_times(14);
  EXPECT_FALSE(fixture_.log().checkpoint("$sys.health"));
  const uint64_t synced = disk_.count(DiskCall::sync);

  probe_times(1);

  EXPECT_TRUE(fixture_.log().checkpoint("$sys.health"));
  EXPECT_GT(disk_.count(DiskCall::sync), synced);
  EXPECT_EQ(ask("/healthz").status, 200);
}

TEST_F(HealthTest, OrdinaryProbesCostTheDiskNothing) {
  probe_times(1);  // the first one reserves positions
  disk_.forget_calls();

  probe_times(10);

  EXPECT_EQ(disk_.count(DiskCall::write), 0U);
  EXPECT_EQ(disk_.count(DiskCall::sync), 0U);
}

TEST_F(HealthTest, AFullDiskIsHealthyAndSaysThatPublishesAreRefused) {
  fill_up();
  probe_times(1);

  const auto health = ask("/healthz");
  const auto ready = ask("/readyz");

  EXPECT_EQ(health.status, 200) << "a restart would mend nothing, and reading goes on";
  EXPECT_THAT(health.body, AllOf(HasSubstr(R"("status":"ok")"), HasSubstr(R"("publish":"refused")"),
                                 HasSubstr(R"("read":"ok")")));
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("the disk is full"));
}

TEST_F(HealthTest, AProbeThatAFullDiskRefusesIsMadeInMemory) {
  fill_up();
  probe_times(14);
  state_.seen_at_us = 0;

  probe_times(1);

  EXPECT_EQ(ask("/healthz").status, 200);
  EXPECT_THAT(ask("/healthz").body, HasSubstr(R"("publish":"refused")"));
}

TEST_F(HealthTest, ADiskThatHasSpaceAgainIsReady) {
  fill_up();
  probe_times(15);
  disk_.set_capacity(1ULL << 30);
  fixture_.keep_house();

  probe_times(1);

  EXPECT_THAT(ask("/healthz").body, HasSubstr(R"("publish":"ok")"));
  EXPECT_EQ(ask("/readyz").status, 200);
}

TEST_F(HealthTest, DamageMakesItUnreadyAndIsNamedByFileAndPlace) {
  for (const char* data : {"a", "b", "c"}) ASSERT_TRUE(fixture_.publish("t", data));
  // Within the record of the second frame; small frames take a page each behind the header's.
  constexpr uint64_t kFrameAt = 2 * kFrameAlignment;
  disk_.flip_bit(Journal::name_of(1), kFrameAt + kFrameHeaderBytes + 44, 3);
  start();
  probe_times(1);

  const auto ready = ask("/readyz");

  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, AllOf(HasSubstr("the log is damaged"),
                                HasSubstr("\"file\":\"" + Journal::name_of(1) + "\""),
                                HasSubstr("\"byte\":" + std::to_string(kFrameAt))));
  EXPECT_EQ(ask("/healthz").status, 200) << "the hub goes on";
}

TEST_F(HealthTest, ADrainingHubIsHealthyButWantsNoMoreClients) {
  probe_times(1);

  state_.draining = true;

  EXPECT_EQ(ask("/healthz").status, 200);
  EXPECT_EQ(ask("/readyz").status, 503);
  EXPECT_THAT(ask("/readyz").body, HasSubstr("draining"));
}

TEST_F(HealthTest, ALogThatFailedToSyncIsNotHealthyHoweverFreshTheLastProbe) {
  disk_.refuse(DiskCall::sync, Errc::io);
  ASSERT_FALSE(fixture_.publish("t", "lost"));

  probe_came_back(seconds(0));

  EXPECT_EQ(ask("/healthz").status, 503);
  EXPECT_EQ(ask("/readyz").status, 503);
}

TEST_F(HealthTest, WhoProbesNeedsNoToken) {
  for (const Route& route : router_->routes()) EXPECT_EQ(route.right, RouteRight::probe);
  EXPECT_EQ(router_->routes().size(), 2U);
}

}  // namespace
}  // namespace carillon
