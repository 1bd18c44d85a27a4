#include "demo/arena_game.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace carillon {
namespace {

// Keeps what it is told as a page would: the last of each.
class FakeAudience : public ArenaAudience {
 public:
  void player_changed(const std::string& id, const ArenaPlayer& player) override {
    players[id] = player;
    ++changes[id];
  }
  void player_left(const std::string& id) override { players.erase(id); }
  void bell_moved(size_t bell, ArenaVector place) override { bells[bell] = place; }
  void round_began(uint64_t round) override { rounds.push_back(round); }
  void lead_changed(uint64_t /*round*/, const std::string& id, const ArenaPlayer& player) override {
    leads.emplace_back(id, player.rings);
  }
  void round_won(uint64_t round,
                 const std::vector<std::pair<std::string, ArenaPlayer>>& standings) override {
    won.emplace_back(round, standings);
  }

  std::map<std::string, ArenaPlayer> players;
  std::map<std::string, int> changes;
  std::map<size_t, ArenaVector> bells;
  std::vector<uint64_t> rounds;
  std::vector<std::pair<std::string, uint32_t>> leads;
  std::vector<std::pair<uint64_t, std::vector<std::pair<std::string, ArenaPlayer>>>> won;
};

class ArenaGameTest : public testing::Test {
 protected:
  void SetUp() override { game.begin(1); }

  void ticks(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) game.tick();
  }
  // Towards the nearest bell, as a player who sees would.
  void chase_bells(const std::string& id) {
    const ArenaVector place = game.players().at(id).place;
    ArenaVector nearest;
    double nearest_distance = std::numeric_limits<double>::max();
    for (const auto& [bell, at] : audience.bells) {
      const double distance = std::hypot(at.x - place.x, at.y - place.y);
      if (distance >= nearest_distance) continue;
      nearest_distance = distance;
      nearest = at;
    }
    game.steer(id, {.x = nearest.x - place.x, .y = nearest.y - place.y});
  }

  SeededRandom random{7};
  FakeAudience audience;
  ArenaGame game{random, audience};
};

TEST_F(ArenaGameTest, ARoundBeginsWithItsBellsInsideTheWalls) {
  EXPECT_EQ(audience.bells.size(), kArenaBells);
  for (const auto& [bell, place] : audience.bells) {
    EXPECT_TRUE(place.x >= 14 && place.x <= kArenaWidth - 14) << place.x;
    EXPECT_TRUE(place.y >= 14 && place.y <= kArenaHeight - 14) << place.y;
  }
  EXPECT_THAT(audience.rounds, testing::ElementsAre(1));
}

TEST_F(ArenaGameTest, APlayerMovesWhereTheySteerAndStandsStillOtherwise) {
  ASSERT_TRUE(game.join("ann", "Ann", 3));
  const ArenaVector before = audience.players.at("ann").place;
  const double away = before.x < kArenaWidth / 2 ? 1 : -1;

  game.steer("ann", {.x = away, .y = 0});
  ticks(10);
  game.steer("ann", {});
  ticks(10);

  const ArenaPlayer& ann = game.players().at("ann");
  EXPECT_NEAR(ann.place.x, before.x + (away * 180), 0.001) << "180 units in a second";
  EXPECT_EQ(ann.place.y, before.y);
  EXPECT_EQ(audience.players.at("ann").place, ann.place) << "and everybody was told";
}

TEST_F(ArenaGameTest, NobodyIsFasterByALongerVectorNorPassesAWall) {
  game.join("ann", "Ann", 0);

  game.steer("ann", {.x = 1e9, .y = 0});
  game.tick();
  EXPECT_NEAR(game.players().at("ann").heading.x, 1, 1e-9);
  ticks(1000);

  EXPECT_NEAR(game.players().at("ann").place.x, kArenaWidth - 14, 1e-9);
  const int changes = audience.changes.at("ann");
  ticks(10);
  EXPECT_EQ(audience.changes.at("ann"), changes) << "at the wall nothing changes";
}

TEST_F(ArenaGameTest, AHeadingThatIsNoNumberChangesNothing) {
  game.join("ann", "Ann", 0);

  game.steer("ann", {.x = std::nan(""), .y = 0});
  game.steer("ann", {.x = std::numeric_limits<double>::infinity(), .y = 0});
  ticks(3);

  EXPECT_EQ(game.players().at("ann").heading, ArenaVector{});
}

TEST_F(ArenaGameTest, ADashIsFasterForAWhileAndThenNeedsARest) {
  game.join("ann", "Ann", 0);
  const auto way = [&](uint32_t count) {
    const ArenaVector before = game.players().at("ann").place;
    game.steer("ann", {.x = before.x < kArenaWidth / 2 ? 1.0 : -1.0, .y = 0});
    ticks(count);
    return std::abs(game.players().at("ann").place.x - before.x);
  };

  const double plain = way(4);
  game.dash("ann");
  const double dashing = way(4);
  game.dash("ann");
  const double resting = way(4);

  EXPECT_NEAR(dashing, plain * 2.5, 0.001);
  EXPECT_NEAR(resting, plain, 0.001) << "the second dash came too soon";
}

TEST_F(ArenaGameTest, WhoTouchesABellRingsItAndItGoesElsewhere) {
  game.join("ann", "Ann", 0);
  const auto before = audience.bells;

  for (int tick = 0; tick < 1000 && game.players().at("ann").rings == 0; ++tick) {
    chase_bells("ann");
    game.tick();
  }

  EXPECT_EQ(game.players().at("ann").rings, 1U);
  EXPECT_EQ(audience.players.at("ann").rings, 1U);
  EXPECT_NE(audience.bells, before);
}

TEST_F(ArenaGameTest, TheFirstToRingEnoughWinsTheRoundAndTheNextBeginsAtNought) {
  game.join("ann", "Ann", 0);
  game.join("bob", "Bob", 1);

  for (int tick = 0; tick < 5000 && audience.won.empty(); ++tick) {
    chase_bells("ann");
    game.tick();
  }

  ASSERT_EQ(audience.won.size(), 1U);
  const auto& [round, standings] = audience.won.front();
  EXPECT_EQ(round, 1U);
  ASSERT_EQ(standings.size(), 2U);
  EXPECT_EQ(standings[0].first, "ann");
  EXPECT_EQ(standings[0].second.rings, kArenaRingsToWin);
  EXPECT_GE(standings[0].second.rings, standings[1].second.rings);
  EXPECT_THAT(audience.rounds, testing::ElementsAre(1, 2));
  EXPECT_EQ(audience.players.at("ann").rings, 0U);
  EXPECT_THAT(audience.leads, testing::ElementsAre(testing::Pair("ann", 5)));
}

TEST_F(ArenaGameTest, WhoLeavesIsGoneAndStartsAtNoughtWhenTheyComeBack) {
  game.join("ann", "Ann", 0);
  for (int tick = 0; tick < 1000 && game.players().at("ann").rings == 0; ++tick) {
    chase_bells("ann");
    game.tick();
  }

  game.leave("ann");
  game.leave("ann");
  EXPECT_TRUE(audience.players.empty());
  game.steer("ann", {.x = 1, .y = 0});
  game.dash("ann");
  game.tick();
  game.join("ann", "Ann", 0);

  EXPECT_EQ(game.players().at("ann").rings, 0U);
}

TEST_F(ArenaGameTest, JoiningAgainChangesNameAndColourAndNothingElse) {
  game.join("ann", "Ann", 0);
  const ArenaVector place = game.players().at("ann").place;

  game.join("ann", "Anna", 5);

  const ArenaPlayer& ann = audience.players.at("ann");
  EXPECT_EQ(ann.name, "Anna");
  EXPECT_EQ(ann.colour, 5U);
  EXPECT_EQ(ann.place, place);
}

TEST_F(ArenaGameTest, AFullArenaTakesNobodyMore) {
  for (size_t i = 0; i < kArenaPlayersMax; ++i)
    EXPECT_TRUE(game.join("p" + std::to_string(i), "x", 0));

  EXPECT_FALSE(game.join("late", "x", 0));
  EXPECT_TRUE(game.join("p0", "y", 0)) << "who is in stays in";
  game.leave("p1");
  EXPECT_TRUE(game.join("late", "x", 0));
}

TEST_F(ArenaGameTest, AnAudienceThatSawNothingIsToldEverything) {
  game.join("ann", "Ann", 0);
  game.join("bob", "Bob", 1);
  const auto [players, bells] = std::pair(audience.players, audience.bells);
  audience.players.clear();
  audience.bells.clear();

  game.tell_all();

  EXPECT_EQ(audience.bells, bells);
  EXPECT_EQ(audience.players.size(), players.size());
  for (const auto& [id, player] : players) EXPECT_EQ(audience.players.at(id).place, player.place);
}

}  // namespace
}  // namespace carillon
