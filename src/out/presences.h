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

  // `change` is `join` or `change`; `state` is JSON. A leave that waits to be told again is
  // overtaken.
  void tell(const std::string& topic, std::string_view member, std::string_view change,
            std::string_view state, EventDoor::Done done);
  // Where the log refuses it, it is told again each second, though its member may be gone: or that
  // would be there for ever. `done` hears of the first try.
  void leave(const std::string& topic, std::string_view member, std::string_view state,
             EventDoor::Done done = nullptr);

  void on_sweep(MonotonicTime now) override;

 private:
  struct Leave {
    std::string topic;
    std::string member;
    std::string state;
  };
  void publish(const std::string& topic, std::string_view member, std::string_view change,
               std::string_view state, EventDoor::Done done);
  void tell_leave(Leave leave, EventDoor::Done done);

  EventDoor& door_;
  std::vector<Leave> refused_;
};

}  // namespace carillon
