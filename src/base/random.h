// Chance comes in by constructor, so that tests own it.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace carillon {

// Not thread-safe: one a thread.
class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t next() = 0;
  // Evenly in [0, bound). `bound` > 0.
  uint64_t below(uint64_t bound);
};

// From the kernel (getrandom), buffered: fit for ids and epochs.
class SystemRandom : public Random {
 public:
  uint64_t next() override;

 private:
  static constexpr size_t kBuffered = 64;
  uint64_t buffer_[kBuffered];
  size_t left_ = 0;
};

// splitmix64: the same seed gives the same sequence. For tests and jitter, never for secrets.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t next() override;

 private:
  uint64_t state_;
};

// RFC 9562 section 5.7: 36 characters, ordered by millisecond.
std::string make_uuid_v7(WallTime now, Random& random);

}  // namespace carillon
