#include "demo/arena.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.h"

namespace carillon {

namespace {

constexpr std::chrono::milliseconds kTick{1000 / kArenaTicksPerSecond};
// The state topic keeps so many events: who stands still must be told again before they are over.
constexpr uint64_t kTellAllTicks = 50;
constexpr size_t kNameBytesMax = 96;  // 24 characters, as the page has it
constexpr size_t kStandingsMax = 10;
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kPresencePrefix = "carillon.presence.";

// The members of a JSON object; empty when it is none.
boost::json::object object_of(std::string_view text) {
  boost::system::error_code error;
  auto value = boost::json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) return {};
  return std::move(value.as_object());
}

std::string name_of(const boost::json::object& state) {
  const auto* name = state.if_contains("name");
  if (name == nullptr || !name->is_string()) return "Somebody";
  const std::string_view text(name->get_string().data(), name->get_string().size());
  return text.empty() || text.size() > kNameBytesMax ? "Somebody" : std::string(text);
}

uint32_t colour_of(const boost::json::object& state) {
  const auto* colour = state.if_contains("colour");
  if (colour == nullptr || !colour->is_int64()) return 0;
  return static_cast<uint32_t>(std::clamp<int64_t>(colour->get_int64(), 0, 7));
}

double number_of(const boost::json::value& value) {
  boost::system::error_code error;
  const auto number = value.to_number<double>(error);
  return error ? 0 : number;
}

std::string standing(const std::string& id, const ArenaPlayer& player) {
  return fmt::format(R"({{"player":{},"name":{},"rings":{}}})", json_string(id),
                     json_string(player.name), player.rings);
}

}  // namespace

Arena::Arena(const DemoParts& parts)
    : parts_(parts),
      game_(parts.random, *this),
      timer_(parts.loop.context()),
      field_presence_(fmt::format("$sys.presence.{}", kArenaField)) {}

void Arena::begin() {
  parts_.hub.add_listener(*this);
  find_newest_event(parts_.hub, kArenaAnnouncements,
                    [this](const NewestEvent& newest) { go_on_behind(newest); });
}

// A round that a restart broke off is not played again.
void Arena::go_on_behind(const NewestEvent& newest) {
  const auto announced = object_of(newest.data);
  const auto* round = announced.if_contains("round");
  const bool is_known = round != nullptr && round->is_int64() && round->get_int64() > 0;
  begun_ = true;
  game_.begin(is_known ? static_cast<uint64_t>(round->get_int64()) + 1 : 1);
  begin_ticking();
}

void Arena::begin_ticking() {
  if (!begun_ || ticking_ || game_.players().empty()) return;
  ticking_ = true;
  game_.tell_all();
  arm();
}

void Arena::on_commit(const Commit& commit) {
  for (const EventView& event : commit.events) {
    if (event.topic() == kArenaActions) hear_action(event);
    if (event.topic() == field_presence_) hear_presence(event);
  }
  begin_ticking();
}

void Arena::hear_presence(const EventView& event) {
  const auto attributes = event.attributes();
  if (!attributes.type.starts_with(kPresencePrefix)) return;
  const std::string id(attributes.key);
  if (attributes.type.substr(kPresencePrefix.size()) == "leave") return game_.leave(id);
  const auto data = object_of(event.data());
  const auto* state = data.if_contains("state");
  if (state == nullptr || !state->is_object()) return;
  game_.join(id, name_of(state->get_object()), colour_of(state->get_object()));
}

// Anybody may publish one; what makes no sense does nothing.
void Arena::hear_action(const EventView& event) {
  const std::string id(event.attributes().key);
  const auto action = object_of(event.data());
  if (const auto* steer = action.if_contains("steer");
      steer != nullptr && steer->is_array() && steer->get_array().size() == 2) {
    game_.steer(id, {.x = number_of(steer->get_array()[0]), .y = number_of(steer->get_array()[1])});
  }
  if (action.contains("dash")) game_.dash(id);
}

void Arena::arm() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) tick();
  });
}

// An empty arena costs nothing.
void Arena::tick() {
  if (game_.players().empty()) {
    ticking_ = false;
    return;
  }
  game_.tick();
  if (++ticks_ % kTellAllTicks == 0) game_.tell_all();
  arm();
}

void Arena::player_changed(const std::string& id, const ArenaPlayer& player) {
  tell(kArenaState, "arena.player", "p-" + id,
       fmt::format(R"({{"player":{},"name":{},"colour":{},"x":{:.1f},"y":{:.1f},"rings":{},)"
                   R"("dashing":{}}})",
                   json_string(id), json_string(player.name), player.colour, player.place.x,
                   player.place.y, player.rings, player.dash_ticks > 0));
}

void Arena::player_left(const std::string& id) {
  tell(kArenaState, "arena.player-left", "p-" + id,
       fmt::format(R"({{"player":{},"left":true}})", json_string(id)));
}

void Arena::bell_moved(size_t bell, ArenaVector place) {
  tell(kArenaState, "arena.bell", fmt::format("b-{}", bell),
       fmt::format(R"({{"bell":{},"x":{:.1f},"y":{:.1f}}})", bell, place.x, place.y));
}

void Arena::round_began(uint64_t round) {
  tell(kArenaAnnouncements, "arena.round-began", {},
       fmt::format(R"({{"what":"round-began","round":{},"rings_to_win":{}}})", round,
                   kArenaRingsToWin));
}

void Arena::lead_changed(uint64_t round, const std::string& id, const ArenaPlayer& player) {
  tell(kArenaAnnouncements, "arena.lead", {},
       fmt::format(R"({{"what":"lead","round":{},"leader":{}}})", round, standing(id, player)));
}

void Arena::round_won(uint64_t round,
                      const std::vector<std::pair<std::string, ArenaPlayer>>& standings) {
  std::string first;
  for (const auto& [id, player] : standings.size() > kStandingsMax
                                      ? std::span(standings).first(kStandingsMax)
                                      : std::span(standings)) {
    first += fmt::format("{}{}", first.empty() ? "" : ",", standing(id, player));
  }
  tell(kArenaAnnouncements, "arena.round-won", {},
       fmt::format(R"({{"what":"round-won","round":{},"players":{},"standings":[{}]}})", round,
                   standings.size(), first));
}

void Arena::tell(std::string_view topic, std::string_view type, std::string key, std::string data) {
  GivenEvent given;
  given.event.type = type;
  given.event.key = std::move(key);
  given.event.data_content_type = kJson;
  given.event.data = std::move(data);
  given.event.form = DataForm::json;
  parts_.door.publish(std::string(topic), std::move(given), [this](const auto& answer) {
    if (!answer)
      parts_.logger.warn("a demo event was not stored", {{"reason", answer.error().detail}});
  });
}

}  // namespace carillon
