#include "out/single_event.h"

#include <fmt/format.h>

#include <algorithm>

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

Response event_response(const EventView& event, Epoch epoch, bool envelope) {
  Response response;
  if (envelope) {
    response.fields.push_back({"content-type", "application/cloudevents+json"});
    append_event_json(response.body, event, epoch, DataAs::natural);
    response.body += '\n';
  } else {
    append_binary_headers(response.fields, event, epoch);
    response.body = event.data();
  }
  response.fields.push_back({"carillon-cursor", Cursor{epoch, event.position()}.text()});
  guard(response);
  return response;
}

// The newest `count` events that match, oldest first. What they point into is in `kept`.
Result<std::vector<EventView>> newest_events(Log& log, const std::string& topic,
                                             const Filter& filter, size_t count,
                                             std::vector<std::shared_ptr<const void>>& kept) {
  const auto selection = select_one(log, topic);
  TRY(Position at, before_newest(log, selection, filter, count));
  // A quiet topic's newest event may lie further back than the look-back reaches.
  if (at == log.durable_end()) {
    if (const auto bounds = log.bounds(topic); bounds && bounds->events > 0) {
      at = filter.empty() ? Position{bounds->newest.value - 1} : kBeforeEverything;
    }
  }
  std::vector<EventView> events;
  while (at < log.durable_end()) {
    TRY(const auto read, log.read({.topics = selection,
                                   .after = at,
                                   .bytes_max = 4 * kReadBytesMax,
                                   .events_max = kCommitEventsMax,
                                   .told_marks = UINT64_MAX}));
    kept.push_back(read.keeps_alive);
    for (const EventView& event : read.events) {
      if (filter.matches(event)) events.push_back(event);
    }
    if (read.looked <= at) break;
    at = read.looked;
  }
  if (events.size() > count)
    events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(count));
  return events;
}

}  // namespace

Result<Response> latest_event(Log& log, const std::string& topic, const Filter& filter,
                              bool envelope) {
  std::vector<std::shared_ptr<const void>> kept;
  TRY(const auto events, newest_events(log, topic, filter, 1, kept));
  if (events.empty())
    return Response{.status = 204, .fields = {{"cache-control", "no-cache"}}, .body = {}};
  auto response = event_response(events.back(), log.epoch(), envelope);
  response.fields.push_back({"cache-control", "no-cache"});
  return response;
}

Result<Response> event_at(Log& log, const std::string& topic, const Cursor& cursor, bool envelope) {
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
    auto response = event_response(read.events.front(), log.epoch(), envelope);
    response.fields.push_back({"cache-control", "private, max-age=31536000, immutable"});
    return response;
  }
  const bool removed = std::ranges::any_of(
      read.gaps, [&](const RaisedMark& mark) { return mark.mark >= cursor.after; });
  if (!removed) return missing();
  return problem_response(make_problem(
      kEventRemoved,
      fmt::format("the event at {} was removed by retention, a trim or a deletion", cursor.text()),
      "Read the topic from `after=first` for what is there."));
}

Result<Response> topic_feed(Log& log, const std::string& topic, const std::string& origin,
                            bool atom, const std::string& tag_wanted) {
  std::vector<std::shared_ptr<const void>> kept;
  TRY(auto events, newest_events(log, topic, {}, kFeedEntries, kept));
  std::ranges::reverse(events);
  const auto self = fmt::format("{}/t/{}/{}", origin, topic, atom ? "feed.atom" : "feed.json");
  const Cursor newest{log.epoch(), events.empty() ? Position() : events.front().position()};
  const auto tag = page_tag(self, newest, events.size());
  Response response{
      .status = 200, .fields = {{"etag", tag}, {"cache-control", "no-cache"}}, .body = {}};
  guard(response);
  if (none_match(tag_wanted, tag)) {
    response.status = 304;
    return response;
  }
  const Feed feed{.topic = topic,
                  .origin = origin,
                  .self_url = self,
                  .hub_url = {},
                  .epoch = log.epoch(),
                  .events = events};
  response.fields.push_back(
      {"content-type", std::string(atom ? kAtomContentType : kJsonFeedContentType)});
  atom ? append_atom_feed(response.body, feed) : append_json_feed(response.body, feed);
  return response;
}

std::string page_tag(const std::string& target, const Cursor& cursor, size_t count) {
  const auto digest = Digester().add(target).add(cursor.text()).add(std::to_string(count)).finish();
  std::string tag = "W/\"";
  for (size_t i = 0; i < 8; ++i) tag += fmt::format("{:02x}", digest.bytes[i]);
  return tag + '"';
}

}  // namespace carillon
