// An event as the log would hold it, for tests of what reads stored events.
#pragma once

#include <string>
#include <string_view>

#include "event/record.h"

namespace carillon {

// Owns the bytes that view() points into. A value; its views die with it.
class StoredEvent {
 public:
  StoredEvent(const Event& event, std::string_view topic, Position position, WallTime stored_at)
      : topic_(topic) {
    append_event_record(record_, event, TopicId{1}, topic);
    place_record(record_.data(), position, stored_at, TopicId{1});
  }

  EventView view() const { return {record_.data(), topic_}; }

 private:
  std::string record_;
  std::string topic_;
};

}  // namespace carillon
