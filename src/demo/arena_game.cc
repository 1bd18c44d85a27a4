#include "demo/arena_game.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace carillon {

namespace {

constexpr double kSpeed = 180;  // units a second
constexpr double kDashFactor = 2.5;
constexpr uint32_t kDashTicks = 4;
constexpr uint32_t kDashRestTicks = 30;
constexpr double kPlayerRadius = 14;
constexpr double kBellRadius = 14;
// Before that the lead changes with every ring.
constexpr uint32_t kLeadRingsMin = 5;

double distance(ArenaVector one, ArenaVector other) {
  return std::hypot(one.x - other.x, one.y - other.y);
}

}  // namespace

void ArenaGame::begin(uint64_t round) {
  round_ = round;
  bells_.clear();
  for (size_t bell = 0; bell < kArenaBells; ++bell) {
    bells_.push_back(any_place());
    audience_.bell_moved(bell, bells_.back());
  }
  audience_.round_began(round_);
}

bool ArenaGame::join(const std::string& id, std::string_view name, uint32_t colour) {
  const auto found = players_.find(id);
  if (found == players_.end() && players_.size() >= kArenaPlayersMax) return false;
  ArenaPlayer& player = found != players_.end() ? found->second : players_[id];
  if (found == players_.end()) player.place = any_place();
  player.name = name;
  player.colour = colour;
  audience_.player_changed(id, player);
  return true;
}

void ArenaGame::leave(const std::string& id) {
  if (players_.erase(id) == 0) return;
  if (leader_ == id) leader_.clear();
  audience_.player_left(id);
}

void ArenaGame::steer(const std::string& id, ArenaVector heading) {
  const auto found = players_.find(id);
  if (found == players_.end()) return;
  const double length = std::hypot(heading.x, heading.y);
  if (!std::isfinite(length)) return;
  if (length > 1) heading = {.x = heading.x / length, .y = heading.y / length};
  if (found->second.heading == heading) return;
  found->second.heading = heading;
  audience_.player_changed(id, found->second);
}

void ArenaGame::dash(const std::string& id) {
  const auto found = players_.find(id);
  if (found == players_.end() || found->second.rest_ticks > 0) return;
  found->second.dash_ticks = kDashTicks;
  found->second.rest_ticks = kDashRestTicks;
}

void ArenaGame::tick() {
  bool is_won = false;
  for (auto& [id, player] : players_) {
    const bool moved = move(player);
    const bool rang = ring(id, player);
    if (moved || rang) audience_.player_changed(id, player);
    is_won = is_won || player.rings >= kArenaRingsToWin;
  }
  if (is_won) end_round();
}

// Whether it went anywhere: walls stop it.
bool ArenaGame::move(ArenaPlayer& player) const {
  const double factor = player.dash_ticks > 0 ? kDashFactor : 1;
  if (player.dash_ticks > 0) --player.dash_ticks;
  if (player.rest_ticks > 0) --player.rest_ticks;
  const double way = kSpeed * factor / kArenaTicksPerSecond;
  const auto within = [](double value, double end) {
    return std::clamp(value, kPlayerRadius, end - kPlayerRadius);
  };
  const ArenaVector before = player.place;
  player.place.x = within(before.x + (player.heading.x * way), kArenaWidth);
  player.place.y = within(before.y + (player.heading.y * way), kArenaHeight);
  return player.place != before;
}

// One bell a tick: the next is rung by the next.
bool ArenaGame::ring(const std::string& id, ArenaPlayer& player) {
  const auto touched = std::ranges::find_if(bells_, [&](ArenaVector bell) {
    return distance(bell, player.place) < kPlayerRadius + kBellRadius;
  });
  if (touched == bells_.end()) return false;
  *touched = any_place();
  audience_.bell_moved(static_cast<size_t>(touched - bells_.begin()), *touched);
  ++player.rings;
  const auto leader = players_.find(leader_);
  const bool leads = leader == players_.end() || player.rings > leader->second.rings;
  if (leads && player.rings >= kLeadRingsMin && leader_ != id) {
    leader_ = id;
    audience_.lead_changed(round_, id, player);
  }
  return true;
}

void ArenaGame::end_round() {
  std::vector<std::pair<std::string, ArenaPlayer>> standings(players_.begin(), players_.end());
  std::ranges::sort(standings, [](const auto& one, const auto& other) {
    return one.second.rings != other.second.rings ? one.second.rings > other.second.rings
                                                  : one.first < other.first;
  });
  audience_.round_won(round_, standings);
  leader_.clear();
  for (auto& [id, player] : players_) {
    player.rings = 0;
    audience_.player_changed(id, player);
  }
  audience_.round_began(++round_);
}

void ArenaGame::tell_all() {
  for (size_t bell = 0; bell < bells_.size(); ++bell) audience_.bell_moved(bell, bells_[bell]);
  for (const auto& [id, player] : players_) audience_.player_changed(id, player);
}

ArenaVector ArenaGame::any_place() {
  const auto any = [this](double end) {
    const auto room = static_cast<uint64_t>(end - (2 * kBellRadius));
    return kBellRadius + static_cast<double>(random_.below(room));
  };
  const double x = any(kArenaWidth);
  return {.x = x, .y = any(kArenaHeight)};
}

}  // namespace carillon
