#include "admin/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/limits.h"
#include "testing/fake_disk.h"
#include "testing/fake_exchange.h"
#include "testing/log_fixture.h"

namespace carillon {
namespace {

using testing::StartsWith;

// A peer of whom nothing more is known.
class SilentConnection : public Connection {
 public:
  SilentConnection(Loop& loop, ConnectionTable& table)
      : Connection(loop, table, "192.0.2.1", false) {}

  void sweep(MonotonicTime) override {}
  void flush() override {}
  void drain() override {}
  void close(std::string_view reason) override { table_.remove(*this, reason); }
  std::string describe() const override { return R"("protocol":"silent")"; }
};

struct Family {
  std::string type;
  std::map<std::string, std::string> samples;  // by name with labels
};
using Families = std::map<std::string, Family>;

bool is_metric_name(std::string_view name) {
  return !name.empty() && (name[0] < '0' || name[0] > '9') &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:0123456789") ==
             std::string_view::npos;
}

// As the text format has it: for each family HELP, TYPE, then its samples, and no family twice.
Families parse(const std::string& text) {
  Families families;
  std::string current;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash;
    std::string keyword;
    std::string name;
    if (line.starts_with("# HELP ")) {
      words >> hash >> keyword >> current;
      EXPECT_TRUE(is_metric_name(current)) << line;
      EXPECT_FALSE(families.contains(current)) << line;
    } else if (line.starts_with("# TYPE ")) {
      words >> hash >> keyword >> name;
      EXPECT_EQ(name, current) << "TYPE follows HELP";
      words >> families[name].type;
    } else {
      const size_t space = line.rfind(' ');
      if (space == std::string::npos) {
        ADD_FAILURE() << "no sample: " << line;
        continue;
      }
      const auto sample = line.substr(0, space);
      EXPECT_EQ(sample.substr(0, sample.find('{')), current) << "stands with its family";
      EXPECT_EQ(line.find_first_not_of("0123456789", space + 1), std::string::npos) << line;
      EXPECT_TRUE(families[current].samples.emplace(sample, line.substr(space + 1)).second) << line;
    }
  }
  return families;
}

// The door of the first of two loops.
class MetricsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fixture_.open());
    hub_ = std::make_unique<LocalHub>(
        fixture_.log(), pool_.pool(),
        [this](std::move_only_function<void()> task) { loop_.post(std::move(task)); }, kMiB);
    probes_ = {{.loop = &loop_,
                .connections = &table_,
                .counts = [] { return LoopCounts{.deliveries = 70, .readers = 3}; }},
               {.loop = &other_loop_, .connections = &other_table_, .counts = [] {
                  return LoopCounts{.deliveries = 5, .readers = 1};
                }}};
    metrics_ = std::make_unique<Metrics>(*hub_, probes_);
    metrics_->add_routes(router_);
  }
  void TearDown() override {
    pool_.run_all();
    table_.close_all();
    other_table_.close_all();
  }

  std::shared_ptr<FakeExchange> ask() {
    const auto exchange = std::make_shared<FakeExchange>(loop_, "GET", "/metrics");
    router_.begin(exchange);
    constexpr int kRounds = 3;  // to the other loop and back
    for (int round = 0; round < kRounds; ++round) {
      for (Loop* loop : {&loop_, &other_loop_}) {
        loop->context().restart();
        loop->context().poll();
      }
    }
    EXPECT_TRUE(exchange->answered());
    return exchange;
  }
  Families scrape() { return parse(ask()->response().body); }
  // Of the sample with these labels, or of a family that has none.
  static std::string value(const Families& families, const std::string& family,
                           const std::string& labels = "") {
    const auto found = families.find(family);
    if (found == families.end()) return "no such family";
    const auto sample = found->second.samples.find(family + labels);
    return sample == found->second.samples.end() ? "no such sample" : sample->second;
  }
  static std::shared_ptr<SilentConnection> connect(Loop& loop, ConnectionTable& table) {
    auto connection = std::make_shared<SilentConnection>(loop, table);
    table.add(connection);
    return connection;
  }

  FakeDisk disk_;
  LogFixture fixture_{disk_};
  OpenGate gate_;
  Loop loop_{0};
  Loop other_loop_{1};
  ConnectionTable table_{loop_};
  ConnectionTable other_table_{other_loop_};
  HeldPool pool_;
  std::vector<LoopProbe> probes_;
  std::unique_ptr<LocalHub> hub_;
  std::unique_ptr<Metrics> metrics_;
  Router router_{gate_};
};

TEST_F(MetricsTest, TheAnswerIsTheTextFormatThatPrometheusReads) {
  const auto exchange = ask();

  EXPECT_EQ(exchange->response().status, 200);
  EXPECT_THAT(exchange->field("content-type"), StartsWith("text/plain; version=0.0.4"));
  EXPECT_TRUE(exchange->response().body.ends_with('\n'));
  for (const auto& [name, family] : parse(exchange->response().body)) {
    EXPECT_TRUE(name.starts_with("carillon_")) << name;
    EXPECT_EQ(family.type, name.ends_with("_total") ? "counter" : "gauge") << name;
  }
}

TEST_F(MetricsTest, WhatTheLogTookIsCounted) {
  ASSERT_TRUE(fixture_.publish("news", "one"));
  ASSERT_TRUE(fixture_.publish("news", "two"));
  ASSERT_TRUE(fixture_.publish_once("orders", "x", "key"));
  ASSERT_TRUE(fixture_.publish_once("orders", "x", "key")->repeat);

  const auto families = scrape();

  EXPECT_EQ(value(families, "carillon_log_events_total"), "3");
  EXPECT_EQ(value(families, "carillon_log_repeats_total"), "1");
  EXPECT_EQ(value(families, "carillon_log_topics"), "2");
  EXPECT_EQ(value(families, "carillon_log_damages"), "0");
  EXPECT_EQ(value(families, "carillon_log_accepting"), "1");
}

TEST_F(MetricsTest, AFullDiskIsSeen) {
  disk_.set_capacity(disk_.used_bytes());
  fixture_.log().keep_house();

  EXPECT_EQ(value(scrape(), "carillon_log_accepting"), "0");
}

TEST_F(MetricsTest, EachLoopHasASampleOfItsOwn) {
  connect(loop_, table_);
  connect(loop_, table_)->close("idle");

  const auto families = scrape();

  EXPECT_EQ(value(families, "carillon_readers", R"({loop="0"})"), "3");
  EXPECT_EQ(value(families, "carillon_readers", R"({loop="1"})"), "1");
  EXPECT_EQ(value(families, "carillon_connections", R"({loop="0"})"), "1");
  EXPECT_EQ(value(families, "carillon_connections", R"({loop="1"})"), "0");
  EXPECT_EQ(value(families, "carillon_connections_accepted_total", R"({loop="0"})"), "2");
}

TEST_F(MetricsTest, EndsAreCountedByReasonOverAllLoops) {
  connect(loop_, table_)->close("idle");
  connect(other_loop_, other_table_)->close("idle");
  connect(loop_, table_)->close("stalled");

  const auto families = scrape();

  EXPECT_EQ(value(families, "carillon_connections_ended_total", R"({reason="idle"})"), "2");
  EXPECT_EQ(value(families, "carillon_connections_ended_total", R"({reason="stalled"})"), "1");
}

TEST_F(MetricsTest, AReasonWithQuotesAndLineEndsBreaksNoLine) {
  connect(loop_, table_)->close("said \"no\"\nand a \\");

  EXPECT_EQ(
      value(scrape(), "carillon_connections_ended_total", R"({reason="said \"no\"\nand a \\"})"),
      "1");
}

TEST_F(MetricsTest, WhoScrapesNeedsTheRightToManage) {
  ASSERT_EQ(router_.routes().size(), 1U);
  EXPECT_EQ(router_.routes()[0].right, RouteRight::manage);
}

}  // namespace
}  // namespace carillon
