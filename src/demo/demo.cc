#include "demo/demo.h"

#include <algorithm>
#include <array>

#include "demo/arena.h"
#include "demo/scoreboard.h"

namespace carillon {

namespace {

constexpr std::array<std::string_view, 4> kNames = {"all", "arena", "scoreboard", "together"};
// A newcomer needs no more of them than the last of each key, and nobody reads old actions.
constexpr uint64_t kArenaEventsMax = 10'000;

}  // namespace

std::span<const std::string_view> demo_names() { return kNames; }

bool is_demo(std::string_view name) { return std::ranges::find(kNames, name) != kNames.end(); }

void add_demo_topics(Config& config) {
  for (const std::string_view topic : {kArenaActions, kArenaState}) {
    config.topics.push_back({.pattern = *TopicPattern::parse(topic),
                             .durability = Durability::memory,
                             .retention = {.age = {}, .count = kArenaEventsMax, .bytes = {}}});
  }
}

std::vector<std::unique_ptr<Demo>> make_demos(std::string_view name, const DemoParts& parts,
                                              double speed) {
  const auto runs = [name](std::string_view demo) { return name == demo || name == "all"; };
  std::vector<std::unique_ptr<Demo>> demos;
  if (runs("scoreboard")) demos.push_back(std::make_unique<ScoreboardReplay>(parts, speed));
  if (runs("arena")) demos.push_back(std::make_unique<Arena>(parts));
  return demos;
}

}  // namespace carillon
