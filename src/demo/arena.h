// The arena demo: a small game whose players come by WebSocket, and whose news goes out by SSE.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "demo/arena_game.h"
#include "demo/demo.h"
#include "demo/newest_event.h"

namespace carillon {

// Presence here is a player: its state `{"name","colour"}`.
inline constexpr std::string_view kArenaField = "arena.field";
// `{"steer":[x,y]}` or `{"dash":true}`, the key the player. Level memory.
inline constexpr std::string_view kArenaActions = "arena.actions";
// What each player (`p-…`) and bell (`b-…`) is now, by key. Level memory.
inline constexpr std::string_view kArenaState = "arena.state";
// Rounds, leads and winners, kept as every topic is.
inline constexpr std::string_view kArenaAnnouncements = "arena.announcements";

// Referee between the topics and the game. Hears actions and presence as every reader of the loop
// does, but of the present alone: what was not seen before a restart is over.
class Arena : public Demo, public CommitListener, public ArenaAudience {
 public:
  explicit Arena(const DemoParts& parts);

  void begin() override;
  void on_commit(const Commit& commit) override;

  void player_changed(const std::string& id, const ArenaPlayer& player) override;
  void player_left(const std::string& id) override;
  void bell_moved(size_t bell, ArenaVector place) override;
  void round_began(uint64_t round) override;
  void lead_changed(uint64_t round, const std::string& id, const ArenaPlayer& player) override;
  void round_won(uint64_t round,
                 const std::vector<std::pair<std::string, ArenaPlayer>>& standings) override;

 private:
  void go_on_behind(const NewestEvent& newest);
  void hear_presence(const EventView& event);
  void hear_action(const EventView& event);
  void begin_ticking();
  void arm();
  void tick();
  void tell(std::string_view topic, std::string_view type, std::string key, std::string data);

  DemoParts parts_;
  ArenaGame game_;
  boost::asio::steady_timer timer_;
  std::string field_presence_;
  uint64_t ticks_ = 0;
  bool begun_ = false;
  bool ticking_ = false;
};

}  // namespace carillon
