// Bytes in random pieces, for parsers that must not care how their input is cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/random.h"

namespace carillon {

// What libFuzzer hands over, as text.
inline std::string_view fuzzed_text(const uint8_t* data, size_t size) {
  return {static_cast<const char*>(static_cast<const void*>(data)), size};
}

// The same bytes are cut in the same way, so that a finding can be repeated. Borrows `bytes`.
class Pieces {
 public:
  explicit Pieces(std::string_view bytes)
      : rest_(bytes),
        random_(bytes.size() + (bytes.empty() ? 0 : static_cast<uint8_t>(bytes[0]))) {}

  std::optional<std::string_view> next() {
    if (rest_.empty()) return std::nullopt;
    // Mostly short ones: line ends and lengths are cut where they are short.
    const size_t wanted = 1 + random_.below(random_.below(2) == 0 ? 4 : rest_.size());
    const auto piece = rest_.substr(0, wanted);
    rest_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::string_view rest_;
  SeededRandom random_;
};

}  // namespace carillon
