// Where a demo stood when the hub was stopped: the newest event of its topic says.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "hub/local_hub.h"

namespace carillon {

struct NewestEvent {
  std::string id;
  std::string data;
};

// Runs `then` on the loop, with nothing when the topic has no event that can be read.
void find_newest_event(LocalHub& hub, std::string_view topic,
                       std::move_only_function<void(NewestEvent)> then);

}  // namespace carillon
