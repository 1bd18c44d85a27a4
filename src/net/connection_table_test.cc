#include "net/connection_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace carillon {
namespace {

using testing::ElementsAre;

// Writes down what it is told.
class FakeConnection : public Connection, public std::enable_shared_from_this<FakeConnection> {
 public:
  FakeConnection(Loop& loop, ConnectionTable& table)
      : Connection(loop, table, "192.0.2.1", false) {}

  void sweep(MonotonicTime now) override {
    swept.push_back(now);
    if (ends_when_swept) close("idle");
  }
  void flush() override {
    ++flushed;
    if (flush_again-- > 0) table_.want_flush(shared_from_this());
  }
  void drain() override { close("drained"); }
  void close(std::string_view reason) override { table_.remove(*this, reason); }
  std::string describe() const override { return R"("protocol":"fake")"; }

  std::vector<MonotonicTime> swept;
  bool ends_when_swept = false;
  int flushed = 0;
  int flush_again = 0;
};

class ConnectionTableTest : public testing::Test {
 protected:
  std::shared_ptr<FakeConnection> add() {
    auto connection = std::make_shared<FakeConnection>(loop, table);
    table.add(connection);
    return connection;
  }

  Loop loop{1};
  ConnectionTable table{loop};
};

TEST_F(ConnectionTableTest, NumbersAreUniqueOverTheLoops) {
  Loop other_loop(2);
  ConnectionTable other(other_loop);
  std::set<uint64_t> ids;

  for (int i = 0; i < 100; ++i) {
    ids.insert(table.next_id());
    ids.insert(other.next_id());
  }

  EXPECT_EQ(ids.size(), 200U);
}

TEST_F(ConnectionTableTest, WhoEndedAndWhyIsRemembered) {
  const auto connection = add();
  EXPECT_EQ(table.size(), 1U);

  table.remove(*connection, "idle");

  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.accepted(), 1U);
  ASSERT_EQ(table.ended().size(), 1U);
  EXPECT_EQ(table.ended()[0].id, connection->id());
  EXPECT_EQ(table.ended()[0].peer, "192.0.2.1");
  EXPECT_EQ(table.ended()[0].what, R"("protocol":"fake")");
  EXPECT_EQ(table.ended()[0].reason, "idle");
  EXPECT_EQ(table.end_reasons().at("idle"), 1U);
}

TEST_F(ConnectionTableTest, TheEndedAreAtMostAHundredButAllAreCounted) {
  for (int i = 0; i < 250; ++i) table.remove(*add(), "closed");

  EXPECT_EQ(table.ended().size(), 100U);
  EXPECT_EQ(table.end_reasons().at("closed"), 250U);
}

TEST_F(ConnectionTableTest, ATurnsEndFlushesOnceWhoAskedForIt) {
  const auto asked = add();
  const auto quiet = add();
  table.want_flush(asked);

  EXPECT_FALSE(table.on_turn_end());
  EXPECT_FALSE(table.on_turn_end());

  EXPECT_EQ(asked->flushed, 1);
  EXPECT_EQ(quiet->flushed, 0);
}

TEST_F(ConnectionTableTest, AFlushThatWantsAnotherGetsItInTheNextTurn) {
  const auto connection = add();
  connection->flush_again = 1;
  table.want_flush(connection);

  EXPECT_TRUE(table.on_turn_end());
  EXPECT_EQ(connection->flushed, 1);
  EXPECT_FALSE(table.on_turn_end());
  EXPECT_EQ(connection->flushed, 2);
}

TEST_F(ConnectionTableTest, AConnectionThatEndsInASweepDisturbsNoOther) {
  std::vector<std::shared_ptr<FakeConnection>> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(add());
    all.back()->ends_when_swept = i % 2 == 0;
  }
  const auto now = loop.now() + std::chrono::seconds(5);

  table.on_sweep(now);

  for (const auto& connection : all) EXPECT_THAT(connection->swept, ElementsAre(now));
  EXPECT_EQ(table.size(), 5U);
}

TEST_F(ConnectionTableTest, DrainingTellsEveryConnection) {
  add();
  add();

  table.drain();

  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.end_reasons().at("drained"), 2U);
}

TEST_F(ConnectionTableTest, ClosingAllLeavesNobodyToFlush) {
  const auto connection = add();
  table.want_flush(connection);

  table.close_all();

  EXPECT_EQ(table.size(), 0U);
  EXPECT_FALSE(table.on_turn_end());
  EXPECT_EQ(connection->flushed, 0);
}

}  // namespace
}  // namespace carillon
