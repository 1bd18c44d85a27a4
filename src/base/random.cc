#include "base/random.h"

#include <sys/random.h>

#include "base/check.h"

namespace carillon {

uint64_t Random::below(uint64_t bound) {
  CHECK(bound > 0);
  // Multiply-shift keeps the bias below 2^-32 for every bound used here.
  return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
}

uint64_t SystemRandom::next() {
  if (left_ == 0) {
    CHECK(getrandom(buffer_, sizeof buffer_, 0) == static_cast<ssize_t>(sizeof buffer_));
    left_ = kBuffered;
  }
  return buffer_[--left_];
}

uint64_t SeededRandom::next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

std::string make_uuid_v7(WallTime now, Random& random) {
  constexpr char kHex[] = "0123456789abcdef";
  const auto milliseconds = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
  const uint64_t a = random.next();
  const uint64_t high = (milliseconds << 16) | 0x7000U | (a & 0x0fffU);
  const uint64_t low = (random.next() & 0x3fffffffffffffffU) | 0x8000000000000000U;
  std::string text(36, '-');
  size_t at = 0;
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) ++at;
    const uint64_t half = nibble < 16 ? high : low;
    text[at++] = kHex[(half >> (60 - 4 * (nibble % 16))) & 0xf];
  }
  return text;
}

}  // namespace carillon
