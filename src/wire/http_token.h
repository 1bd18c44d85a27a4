// The characters that heads, trailers and chunk extensions are made of (RFC 9110
// sections 5.5, 5.6).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace carillon {

constexpr bool is_token_char(char c) {
  constexpr std::string_view kSigns = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kSigns.find(c) != std::string_view::npos;
}

constexpr bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

// What no line of a head may hold. (Tabs may stand between words.)
constexpr bool is_header_control(char c) {
  return (static_cast<uint8_t>(c) < 0x20 && c != '\t') || c == 0x7f;
}

}  // namespace carillon
