#include "demo/newest_event.h"

#include <utility>

namespace carillon {

namespace {

NewestEvent read_newest(Log& log, const std::string& topic) {
  const auto bounds = log.bounds(topic);
  if (!bounds || bounds->newest.value == 0) return {};
  const auto read = log.read({.topics = log.select({*TopicPattern::parse(topic)}),
                              .after = Position{bounds->newest.value - 1},
                              .bytes_max = 1,
                              .events_max = 1,
                              .told_marks = UINT64_MAX});
  if (!read || read->events.empty()) return {};
  const EventView event = read->events.front();
  return {.id = std::string(event.attributes().id), .data = std::string(event.data())};
}

}  // namespace

void find_newest_event(LocalHub& hub, std::string_view topic,
                       std::move_only_function<void(NewestEvent)> then) {
  hub.off_loop([&log = hub.log(), topic = std::string(topic)] { return read_newest(log, topic); },
               std::move(then));
}

}  // namespace carillon
