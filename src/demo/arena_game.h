// The rules of the arena: players steer and dash, who touches a bell rings it, and who first rings
// enough wins the round.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace carillon {

inline constexpr double kArenaWidth = 960;
inline constexpr double kArenaHeight = 540;
inline constexpr uint32_t kArenaTicksPerSecond = 10;
inline constexpr size_t kArenaBells = 12;
inline constexpr uint32_t kArenaRingsToWin = 15;
// More would be a crowd in which nobody finds himself.
inline constexpr size_t kArenaPlayersMax = 200;

struct ArenaVector {
  double x = 0;
  double y = 0;
  friend bool operator==(const ArenaVector&, const ArenaVector&) = default;
};

struct ArenaPlayer {
  std::string name;
  uint32_t colour = 0;
  ArenaVector place;
  ArenaVector heading;  // of length 0 to 1
  uint32_t rings = 0;   // of this round
  uint32_t dash_ticks = 0;
  uint32_t rest_ticks = 0;  // until the next dash
};

// Who is told what happened.
class ArenaAudience {
 public:
  virtual ~ArenaAudience() = default;
  virtual void player_changed(const std::string& id, const ArenaPlayer& player) = 0;
  virtual void player_left(const std::string& id) = 0;
  virtual void bell_moved(size_t bell, ArenaVector place) = 0;
  virtual void round_began(uint64_t round) = 0;
  virtual void lead_changed(uint64_t round, const std::string& id, const ArenaPlayer& player) = 0;
  // The players by rings, the winner first.
  virtual void round_won(uint64_t round,
                         const std::vector<std::pair<std::string, ArenaPlayer>>& standings) = 0;
};

// Knows neither hub nor clock: the same seed and the same calls give the same game.
class ArenaGame {
 public:
  ArenaGame(Random& random, ArenaAudience& audience) : random_(random), audience_(audience) {}

  // Places the bells and begins with this round.
  void begin(uint64_t round);
  // A new player, or a new name and colour of one. False when the arena is full.
  bool join(const std::string& id, std::string_view name, uint32_t colour);
  void leave(const std::string& id);
  // Longer vectors than 1 are shortened to it. Nothing happens to who is not there.
  void steer(const std::string& id, ArenaVector heading);
  void dash(const std::string& id);

  void tick();
  // Tells everything there is, as for an audience that has seen nothing.
  void tell_all();

  const std::map<std::string, ArenaPlayer>& players() const { return players_; }
  uint64_t round() const { return round_; }

 private:
  bool move(ArenaPlayer& player) const;
  bool ring(const std::string& id, ArenaPlayer& player);
  void end_round();
  ArenaVector any_place();

  Random& random_;
  ArenaAudience& audience_;
  std::map<std::string, ArenaPlayer> players_;
  std::vector<ArenaVector> bells_;
  std::string leader_;
  uint64_t round_ = 0;
};

}  // namespace carillon
