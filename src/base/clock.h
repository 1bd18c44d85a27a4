// Time comes in by constructor, so that tests own it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carillon {

// Microseconds since 1970-01-01T00:00:00Z: what is stored and shown.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;
// For intervals: never steps.
using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::microseconds>;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall_now() const = 0;
  virtual MonotonicTime monotonic_now() const = 0;
};

class SystemClock : public Clock {
 public:
  WallTime wall_now() const override;
  MonotonicTime monotonic_now() const override;
};

// RFC 3339, UTC, microseconds only when there are any: 2026-01-31T09:30:00.25Z is written
// 2026-01-31T09:30:00.250000Z.
std::string to_rfc3339(WallTime time);
// Any RFC 3339 date-time with offset; nothing when the text is not one. Fractions beyond
// microseconds are cut.
std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace carillon
