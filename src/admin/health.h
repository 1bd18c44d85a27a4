// Whether the hub really works: a publish and a read of its own, again and again.
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "hub/local_hub.h"
#include "net/loop.h"
#include "net/router.h"

namespace carillon {

// What the probe last found. Written by one loop, read by all.
struct HealthState {
  std::atomic<int64_t> seen_at_us{0};        // monotonic: a probe came back through the log
  std::atomic<bool> publish_refused{false};  // the disk is full
  std::atomic<bool> draining{false};
};

// Publishes on `$sys.health` every 2 s and reads it back; every 30 s through a sync. (Not "the
// process is up": a hub whose committer hangs is up.) Owned by the first loop's parts, on that
// loop's thread.
class HealthProbe {
 public:
  HealthProbe(Loop& loop, LocalHub& hub, HealthState& state);
  void begin();

 private:
  void probe();
  void published(const Result<Appended>& result);
  void read_back(Position position);

  Loop& loop_;
  LocalHub& hub_;
  HealthState& state_;
  boost::asio::steady_timer timer_;
  uint64_t count_ = 0;
};

// /healthz and /readyz. One a loop.
class HealthDoor {
 public:
  HealthDoor(LocalHub& hub, const HealthState& state) : hub_(hub), state_(state) {}
  void add_routes(Router& router);

 private:
  bool alive(MonotonicTime now) const;
  Response health(MonotonicTime now) const;
  Response readiness(MonotonicTime now) const;

  LocalHub& hub_;
  const HealthState& state_;
};

}  // namespace carillon
