#include "base/crc32c.h"

#include <nmmintrin.h>

#include <cstring>

namespace carillon {

uint32_t crc32c(std::string_view bytes, uint32_t seed) {
  uint64_t crc = ~seed;
  const char* at = bytes.data();
  size_t left = bytes.size();
  while (left >= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    crc = _mm_crc32_u64(crc, word);
    at += 8;
    left -= 8;
  }
  auto narrow = static_cast<uint32_t>(crc);
  for (; left > 0; --left) narrow = _mm_crc32_u8(narrow, static_cast<uint8_t>(*at++));
  return ~narrow;
}

}  // namespace carillon
