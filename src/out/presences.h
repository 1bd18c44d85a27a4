// Presence as events on `$sys.presence.{topic}`, told for all sessions of a loop.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/event_door.h"
#include "net/loop.h"

namespace carillon {

// One a loop; sessions come and go before it.
class Presences : public Sweep {
 public:
  Presences(Loop& loop, EventDoor& door) : door_(door) { loop.add_sweep(*this); }

  // `change` is `join`, `change` or `leave`; `state` is JSON.
  void tell(const std::string& topic, std::string_view member, std::string_view change,
            std::string_view state, EventDoor::Done done);
  // For a member that has gone. Where the log refuses that it is told again each second, or it
  // would be there for ever.
  void leave(const std::string& topic, std::string_view member, std::string_view state) {
    tell_leave({topic, std::string(member), std::string(state)});
  }

  void on_sweep(MonotonicTime now) override;

 private:
  struct Leave {
    std::string topic;
    std::string member;
    std::string state;
  };
  void tell_leave(Leave leave);

  EventDoor& door_;
  std::vector<Leave> refused_;
};

}  // namespace carillon
