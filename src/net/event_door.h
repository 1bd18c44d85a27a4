// How a door that reads and writes hands in what it was given: `out` never includes `in`.
#pragma once

#include <expected>
#include <functional>
#include <string>

#include "event/cursor.h"
#include "wire/cloudevents.h"
#include "wire/problem.h"

namespace carillon {

struct StoredEvent {
  std::string id;
  Cursor cursor;
  bool repeat = false;  // it was stored before
};

// Implemented in `in`, one a loop, used on its thread.
class EventDoor {
 public:
  using Done = std::move_only_function<void(std::expected<StoredEvent, Problem>)>;

  virtual ~EventDoor() = default;
  // The caller has checked the right to. Goes to the committer at the turn's end with all others;
  // `done` runs behind the sync, or at once when the event cannot be taken.
  virtual void publish(const std::string& topic, GivenEvent event, Done done) = 0;
};

}  // namespace carillon
