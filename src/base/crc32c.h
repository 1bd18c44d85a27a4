// CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of every stored record and frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace carillon {

// The checksum of `bytes`, going on from `seed` (0 to begin).
uint32_t crc32c(std::string_view bytes, uint32_t seed = 0);

}  // namespace carillon
