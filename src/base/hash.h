// Digests of what strangers choose: keys and bodies that the idempotency window remembers.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

namespace carillon {

// The first 16 bytes of a SHA-256. Strong, because a publisher who could make two bodies collide
// could have the second answered as a repeat of the first.
struct Digest {
  std::array<uint8_t, 16> bytes{};
  friend auto operator<=>(const Digest&, const Digest&) = default;
};

struct DigestHash {
  size_t operator()(const Digest& digest) const {
    size_t value;
    std::memcpy(&value, digest.bytes.data(), sizeof value);
    return value;  // already evenly spread
  }
};

// Feeds parts with their lengths, so that ("a_b","c") and ("a","b_c") differ (RELIABILITY 0.7).
class Digester {
 public:
  Digester();
  ~Digester();
  Digester(const Digester&) = delete;
  Digester& operator=(const Digester&) = delete;

  Digester& add(std::string_view part);
  Digest finish();

 private:
  void* context_;
};

// 20 bytes. For the opening of a WebSocket alone (RFC 6455 section 1.3): it proves nothing today.
std::string sha1(std::string_view bytes);

// Lets unordered maps be looked up by string_view.
struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

}  // namespace carillon
