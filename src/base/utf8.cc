#include "base/utf8.h"

#include "base/text.h"

namespace carillon {

bool Utf8Checker::take(uint8_t byte) {
  if (owed_ > 0) {
    if (byte < least_ || byte > most_) return false;
    least_ = 0x80;
    most_ = 0xBF;
    --owed_;
    return true;
  }
  if (byte < 0x80) return true;
  if (byte < 0xC2 || byte > 0xF4) return false;
  owed_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
  if (byte == 0xE0) least_ = 0xA0;  // else it would be longer than need be
  if (byte == 0xED) most_ = 0x9F;   // surrogates
  if (byte == 0xF0) least_ = 0x90;
  if (byte == 0xF4) most_ = 0x8F;  // beyond U+10FFFF
  return true;
}

bool Utf8Checker::feed(std::string_view bytes) {
  constexpr size_t kCharacterBytesMax = 4;
  while (!bytes.empty() && owed_ > 0) {
    if (!take(static_cast<uint8_t>(bytes.front()))) return false;
    bytes.remove_prefix(1);
  }
  bytes.remove_prefix(utf8_valid_prefix(bytes));
  if (bytes.size() >= kCharacterBytesMax) return false;
  for (const char byte : bytes) {
    if (!take(static_cast<uint8_t>(byte))) return false;
  }
  return true;
}

}  // namespace carillon
