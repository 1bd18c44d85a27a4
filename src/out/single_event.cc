#include "out/single_event.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <ranges>

#include "base/hash.h"
#include "base/limits.h"
#include "net/answers.h"
#include "out/read_start.h"
#include "wire/cloudevents_binary.h"
#include "wire/event_json.h"
#include "wire/feed.h"

namespace carillon {

namespace {

constexpr size_t kFeedEntries = 50;

std::shared_ptr<TopicSelection> select_one(Log& log, const std::string& topic) {
  return log.select({*TopicPattern::parse(topic)});
}

// What a stranger published never runs as a page of ours: no sniffing, and no scripts, frames or
// forms.
void guard(Response& response) {
  response.fields.push_back({"x-content-type-options", "nosniff"});
  response.fields.push_back({"content-security-policy", "default-src 'none'; sandbox"});
}

Response event_response(const EventView& event, Epoch epoch, const ReadOptions& options) {
  Response response;
  if (options.cloudevents || options.data == DataAs::base64) {
    response.fields.push_back({"content-type", "application/cloudevents+json"});
    append_event_json(response.body, event, epoch, options.data);
    response.body += '\n';
  } else {
    append_binary_headers(response.fields, event, epoch);
    response.body = event.data();
  }
  response.fields.push_back({"carillon-cursor", Cursor{epoch, event.position()}.text()});
  guard(response);
  return response;
}

// An event and what it points into.
using HeldEvent = std::pair<EventView, std::shared_ptr<const void>>;

// The newest `count` events that match, oldest first. Blocks with none of them are let go at once.
Result<std::deque<HeldEvent>> newest_events(Log& log, const std::string& topic,
                                            const Filter& filter, size_t count) {
  const auto selection = select_one(log, topic);
  Position at = look_back_start(log, *selection, filter, count);
  std::deque<HeldEvent> newest;
  while (at < log.durable_end()) {
    TRY(const auto read, log.read({.topics = selection,
                                   .after = at,
                                   .bytes_max = kReadBytesMax,
                                   .events_max = kCommitEventsMax,
                                   .told_marks = UINT64_MAX}));
    for (const EventView& event : read.events) {
      if (!filter.matches(event)) continue;
      newest.emplace_back(event, read.keeps_alive);
      if (newest.size() > count) newest.pop_front();
    }
    if (read.looked <= at) break;
    at = read.looked;
  }
  return newest;
}

}  // namespace

Result<Response> latest_event(Log& log, const std::string& topic, const ReadOptions& options) {
  TRY(const auto newest, newest_events(log, topic, options.filter, 1));
  if (newest.empty())
    return Response{.status = 204, .fields = {{"cache-control", "no-cache"}}, .body = {}};
  auto response = event_response(newest.back().first, log.epoch(), options);
  response.fields.push_back({"cache-control", "no-cache"});
  return response;
}

Result<Response> event_at(Log& log, const std::string& topic, const Cursor& cursor,
                          const ReadOptions& options) {
  const auto missing = [&] {
    return problem_response(make_problem(
        kNotFound, fmt::format("there is no event at {} in '{}'", cursor.text(), topic),
        "Use a cursor that the hub gave for this topic."));
  };
  if (cursor.epoch != log.epoch() || cursor.after.value == 0 || cursor.after > log.durable_end())
    return missing();
  TRY(const auto read, log.read({.topics = select_one(log, topic),
                                 .after = Position{cursor.after.value - 1},
                                 .bytes_max = 1,
                                 .events_max = 1,
                                 .told_marks = 0}));
  if (!read.events.empty() && read.events.front().position() == cursor.after) {
    auto response = event_response(read.events.front(), log.epoch(), options);
    response.fields.push_back({"cache-control", "private, max-age=31536000, immutable"});
    return response;
  }
  const auto damage = std::ranges::find_if(read.damage, [&](const Damage& lost) {
    return lost.after < cursor.after && cursor.after <= lost.last;
  });
  if (damage != read.damage.end()) {
    return fail(Errc::corrupt, "the event at {} is damaged: {} at byte {} cannot be read",
                cursor.text(), damage->file, damage->offset);
  }
  const bool removed = std::ranges::any_of(
      read.gaps, [&](const RaisedMark& mark) { return mark.mark >= cursor.after; });
  if (!removed) return missing();
  return problem_response(make_problem(
      kEventRemoved,
      fmt::format("the event at {} was removed by retention, a trim or a deletion", cursor.text()),
      "Read the topic from `after=first` for what is there."));
}

Result<Response> topic_feed(Log& log, const std::string& topic, const Filter& filter,
                            const FeedRequest& request) {
  TRY(const auto newest, newest_events(log, topic, filter, kFeedEntries));
  std::vector<EventView> events;
  size_t bytes = 0;
  for (const auto& [event, held] : std::views::reverse(newest)) {
    bytes += event.record_bytes();
    if (!events.empty() && bytes > kPageBytesMax) break;
    events.push_back(event);
  }
  const auto self = fmt::format("{}{}", request.origin, request.target);
  const Cursor end{log.epoch(), events.empty() ? Position() : events.front().position()};
  const auto tag = page_tag(self, end, events.size());
  Response response{
      .status = 200, .fields = {{"etag", tag}, {"cache-control", "no-cache"}}, .body = {}};
  guard(response);
  if (none_match(request.tag_wanted, tag)) {
    response.status = 304;
    return response;
  }
  const Feed feed{.topic = topic,
                  .origin = request.origin,
                  .self_url = self,
                  .hub_url = {},
                  .epoch = log.epoch(),
                  .events = events};
  response.fields.push_back(
      {"content-type", std::string(request.atom ? kAtomContentType : kJsonFeedContentType)});
  request.atom ? append_atom_feed(response.body, feed) : append_json_feed(response.body, feed);
  return response;
}

std::string page_tag(const std::string& target, const Cursor& cursor, size_t count) {
  const auto digest = Digester().add(target).add(cursor.text()).add(std::to_string(count)).finish();
  std::string tag = "W/\"";
  for (size_t i = 0; i < 8; ++i) tag += fmt::format("{:02x}", digest.bytes[i]);
  return tag + '"';
}

}  // namespace carillon
