#include "base/crc32c.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>

namespace carillon {
namespace {

// One bit at a time, by the polynomial: slow and plainly right.
uint32_t crc32c_by_bits(std::string_view bytes) {
  uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
  }
  return ~crc;
}

TEST(Crc32c, TheVectorsOfRfc3720AppendixB4AreMet) {
  std::string rising;
  for (char c = 0; c < 32; ++c) rising += c;
  const std::string falling(rising.rbegin(), rising.rend());
  const std::string read_command(
      "\x01\xc0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x14\0\0\0\0\0\x04\0"
      "\0\0\0\x14\0\0\0\x18\x28\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0",
      48);

  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c(rising), 0x46dd794eU);
  EXPECT_EQ(crc32c(falling), 0x113fdb5cU);
  EXPECT_EQ(crc32c(read_command), 0xd9963a56U);
}

TEST(Crc32c, NothingHasTheChecksumZeroAndTheCheckValueIsTheUsualOne) {
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
}

RC_GTEST_PROP(Crc32c, AgreesWithThePolynomialForEveryLengthAndAlignment,
              (const std::string& bytes)) {
  const auto from = *rc::gen::inRange<size_t>(0, bytes.size() + 1);
  const auto part = std::string_view(bytes).substr(from);

  RC_ASSERT(crc32c(part) == crc32c_by_bits(part));
}

RC_GTEST_PROP(Crc32c, GoingOnFromAChecksumIsTheChecksumOfBoth,
              (const std::string& a, const std::string& b)) {
  RC_ASSERT(crc32c(b, crc32c(a)) == crc32c(a + b));
}

RC_GTEST_PROP(Crc32c, AnyFlippedBitChangesIt, ()) {
  const auto whole = *rc::gen::nonEmpty<std::string>();
  auto flipped = whole;
  const auto bit = *rc::gen::inRange<size_t>(0, whole.size() * 8);
  flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));

  RC_ASSERT(crc32c(flipped) != crc32c(whole));
}

}  // namespace
}  // namespace carillon
