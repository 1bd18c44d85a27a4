// Time that moves when a test says so.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace carillon {

// Thread-safe. Starts at 2026-01-31T09:30:00Z, long after the machine's own start.
class FakeClock : public Clock {
 public:
  WallTime wall_now() const override { return WallTime(std::chrono::microseconds(wall_)); }
  MonotonicTime monotonic_now() const override {
    return MonotonicTime(std::chrono::microseconds(monotonic_));
  }

  // Both clocks move on.
  void advance(std::chrono::microseconds by) {
    wall_ += by.count();
    monotonic_ += by.count();
  }
  // Somebody sets the wall clock; the monotonic one does not notice.
  void step_wall(std::chrono::microseconds by) { wall_ += by.count(); }

 private:
  std::atomic<int64_t> wall_ = 1'769'851'800'000'000;
  std::atomic<int64_t> monotonic_ = 3'600'000'000;
};

}  // namespace carillon
