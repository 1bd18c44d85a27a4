// How fast housekeeping may write.
#pragma once

#include <cstdint>
#include <functional>

namespace carillon {

// Called with the bytes just written; returns when more may be. Empty: at once. No commit ever
// waits for it: only the housekeeping thread calls it.
//
// (Not the disk's own queue: a sealed journal written at full speed makes every commit's sync wait
// behind 64 MiB.)
using Pace = std::function<void(uint64_t bytes)>;

inline void keep_pace(const Pace& pace, uint64_t bytes) {
  if (pace) pace(bytes);
}

}  // namespace carillon
