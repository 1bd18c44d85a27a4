#include "demo/scoreboard.h"

#include <fmt/format.h>

#include <algorithm>

#include "admin/pages.h"
#include "demo/newest_event.h"

namespace carillon {

namespace {

constexpr const char* kTopic = "scoreboard.matches";
constexpr const char* kSource = "/demo/scoreboard";
constexpr std::string_view kSeason = "/demo/scoreboard/season.json";

std::string_view season_bytes() {
  for (const PageFile& file : embedded_pages()) {
    if (file.path == kSeason) return file.bytes;
  }
  return {};
}

}  // namespace

ScoreboardReplay::ScoreboardReplay(const DemoParts& parts, double speed)
    : parts_(parts), speed_(speed), timer_(parts.loop.context()) {}

bool ScoreboardReplay::load() {
  boost::system::error_code error;
  const auto bytes = season_bytes();
  const auto season = boost::json::parse({bytes.data(), bytes.size()}, error);
  if (error) {
    parts_.logger.error("the season cannot be read; was this built with CARILLON_PAGE?",
                        {{"reason", error.message()}});
    return false;
  }
  for (const auto& item : season.at("events").as_array()) {
    const auto& data = item.at("data");
    Step step{.at = item.at("at").to_number<double>(),
              .match = std::string(item.at("match").as_string()),
              .type = std::string(item.at("type").as_string()),
              .data = boost::json::serialize(data),
              .id = {}};
    step.id = fmt::format("{}-{}", step.match, data.at("seq").to_number<int>());
    steps_.push_back(std::move(step));
  }
  return true;
}

// The newest stored event says where the season stands.
void ScoreboardReplay::begin() {
  if (!load()) return;
  find_newest_event(parts_.hub, kTopic,
                    [this](const NewestEvent& newest) { go_on_behind(newest.id); });
}

void ScoreboardReplay::go_on_behind(const std::string& id) {
  const auto found = std::ranges::find(steps_, id, &Step::id);
  if (found != steps_.end()) next_ = static_cast<size_t>(found - steps_.begin()) + 1;
  if (next_ == steps_.size()) return;
  offset_ = next_ == 0 ? steps_[0].at : steps_[next_ - 1].at;
  began_ = parts_.loop.now();
  publish_due();
}

void ScoreboardReplay::publish_due() {
  const std::chrono::duration<double> elapsed = parts_.loop.now() - began_;
  const double season = offset_ + elapsed.count() * speed_;
  while (next_ < steps_.size() && steps_[next_].at <= season) publish(steps_[next_++]);
  if (next_ == steps_.size()) return;
  const double seconds = std::min((steps_[next_].at - season) / speed_, 3600.0);
  timer_.expires_after(std::chrono::microseconds(static_cast<int64_t>(seconds * 1e6) + 1));
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) publish_due();
  });
}

void ScoreboardReplay::publish(const Step& step) {
  Event event;
  event.id = step.id;
  event.source = kSource;
  event.type = step.type;
  event.key = step.match;
  event.data_content_type = "application/json";
  event.data = step.data;
  event.form = DataForm::json;
  Append append;
  append_event_record(append.records, event, TopicId{}, kTopic);
  const RepeatKey repeat{
      .key = Digester().add("id").add(kTopic).add(event.source).add(event.id).finish(),
      .body = Digester().add(event.data_content_type).add(event.data).finish()};
  append.items.push_back({.topic = kTopic, .offset = 0, .repeat = repeat, .given = {}});
  parts_.hub.publish(std::move(append), [this](const Result<Appended>& result) {
    if (!result)
      parts_.logger.warn("a demo event was not stored", {{"reason", result.error().detail}});
  });
}

}  // namespace carillon
