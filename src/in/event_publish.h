// The door in for single events that came otherwise than by POST: over WebSockets.
#pragma once

#include <string>

#include "base/random.h"
#include "hub/local_hub.h"
#include "net/event_door.h"

namespace carillon {

// One a loop; everything it borrows outlives it.
class EventPublish : public EventDoor {
 public:
  EventPublish(LocalHub& hub, const Clock& clock, Random& random)
      : hub_(hub), clock_(clock), random_(random) {}

  void publish(const std::string& topic, GivenEvent event, Done done) override;

 private:
  LocalHub& hub_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace carillon
