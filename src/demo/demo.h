// What a demo runs in the hub's process, beside its page.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/logger.h"
#include "base/random.h"
#include "hub/config.h"
#include "hub/local_hub.h"
#include "net/event_door.h"
#include "net/loop.h"

namespace carillon {

// Lives on one loop's thread; made before that loop runs, and destroyed after it has ended.
class Demo {
 public:
  virtual ~Demo() = default;
  // On the loop.
  virtual void begin() = 0;
};

// What demos may use of the loop that they live on; outlives them.
struct DemoParts {
  Loop& loop;
  LocalHub& hub;
  EventDoor& door;
  Random& random;
  Logger& logger;
};

// `all` stands for every other.
std::span<const std::string_view> demo_names();
bool is_demo(std::string_view name);
// The topics of the demos whose events need not survive a restart, behind what the operator says.
void add_demo_topics(Config& config);
// What runs for the demo of that name; some are a page alone. `speed` is that of the scoreboard.
std::vector<std::unique_ptr<Demo>> make_demos(std::string_view name, const DemoParts& parts,
                                              double speed);

}  // namespace carillon
