// A door in without a log: what is published is kept, and answered when the test says.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "net/event_door.h"

namespace carillon {

class FakeEventDoor : public EventDoor {
 public:
  struct Published {
    std::string topic;
    GivenEvent event;
    Done done;
  };

  void publish(const std::string& topic, GivenEvent event, Done done) override {
    published.push_back({topic, std::move(event), std::move(done)});
  }
  // The oldest that waits.
  void answer(std::expected<StoredEvent, Problem> result) {
    auto done = std::move(published.at(answered_++).done);
    done(std::move(result));
  }

  std::vector<Published> published;

 private:
  size_t answered_ = 0;
};

}  // namespace carillon
