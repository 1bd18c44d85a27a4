// The scoreboard demo's publisher: a season's matches, replayed at a chosen speed.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>
#include <string>
#include <vector>

#include "base/logger.h"
#include "hub/local_hub.h"
#include "net/loop.h"

namespace carillon {

// Publishes the events of season.json, in order, each when it is due by season time divided by the
// speed. A restart finds the newest event in the log and goes on behind it; each event has an id of
// its own, so that nothing is published twice. Lives on one loop's thread.
class ScoreboardReplay {
 public:
  ScoreboardReplay(Loop& loop, LocalHub& hub, Logger& logger, double speed);

  void begin();

 private:
  struct Step {
    double at = 0;  // season seconds
    std::string match;
    std::string type;
    std::string data;
    std::string id;
  };

  bool load();
  void find_place();
  void go_on_behind(const std::string& id);
  void publish_due();
  void publish(const Step& step);

  Loop& loop_;
  LocalHub& hub_;
  Logger& logger_;
  double speed_;
  std::vector<Step> steps_;
  size_t next_ = 0;
  double offset_ = 0;  // season time at which the replay began
  MonotonicTime began_{};
  boost::asio::steady_timer timer_;
};

}  // namespace carillon
