// The scoreboard demo's publisher: a season's matches, replayed at a chosen speed.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>
#include <string>
#include <vector>

#include "demo/demo.h"

namespace carillon {

// Publishes the events of season.json, in order, each when it is due by season time divided by the
// speed. A restart finds the newest event in the log and goes on behind it; each event has an id of
// its own, so that nothing is published twice. Lives on one loop's thread.
class ScoreboardReplay : public Demo {
 public:
  ScoreboardReplay(const DemoParts& parts, double speed);

  void begin() override;

 private:
  struct Step {
    double at = 0;  // season seconds
    std::string match;
    std::string type;
    std::string data;
    std::string id;
  };

  bool load();
  void go_on_behind(const std::string& id);
  void publish_due();
  void publish(const Step& step);

  DemoParts parts_;
  double speed_;
  std::vector<Step> steps_;
  size_t next_ = 0;
  double offset_ = 0;  // season time at which the replay began
  MonotonicTime began_{};
  boost::asio::steady_timer timer_;
};

}  // namespace carillon
