// UTF-8 and JSON text rules that several folders need.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carillon {

bool is_utf8(std::string_view bytes);
// Where `bytes` stops being UTF-8; its size when it never does.
size_t utf8_valid_prefix(std::string_view bytes);

// Appends `text` as a JSON string with quotes. Control characters are escaped; invalid UTF-8
// becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);

// Appends a JSON value with its line breaks (which can only lie between tokens) turned into spaces.
void append_json_on_one_line(std::string& out, std::string_view json);

std::string to_base64(std::string_view bytes);
// Standard alphabet with padding; nothing when the text is not that.
std::optional<std::string> from_base64(std::string_view text);

bool equals_ignoring_case(std::string_view a, std::string_view b);
std::string to_lower(std::string_view text);
std::string_view trim(std::string_view text);

// Decimal digits only, without sign, that fit; nothing otherwise.
std::optional<uint64_t> parse_decimal(std::string_view text);

}  // namespace carillon
