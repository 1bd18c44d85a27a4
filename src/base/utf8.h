// UTF-8 that arrives in pieces.
#pragma once

#include <cstdint>
#include <string_view>

namespace carillon {

// Says at once when no text can go on like this; a character may be cut anywhere. A value.
class Utf8Checker {
 public:
  // False: what was fed so far is the beginning of no UTF-8 text. Must not be fed again then.
  bool feed(std::string_view bytes);
  // Not in the middle of a character.
  bool is_whole() const { return owed_ == 0; }

 private:
  bool take(uint8_t byte);

  uint8_t owed_ = 0;  // bytes of the character that was begun
  // The range of the next one: after E0, ED, F0 and F4 it is narrower (RFC 3629 section 4).
  uint8_t least_ = 0x80;
  uint8_t most_ = 0xBF;
};

}  // namespace carillon
