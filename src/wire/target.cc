#include "wire/target.h"

#include <algorithm>

#include "base/text.h"

namespace carillon {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_unreserved(char c) {
  constexpr std::string_view kSigns = "-._~";  // RFC 3986 section 2.3
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kSigns.find(c) != std::string_view::npos;
}

// What was decoded is text that may be shown, compared and stored.
Result<> check_decoded(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    return fail(Errc::bad_input, "the URL holds an encoded NUL; remove it");
  }
  if (!is_utf8(text)) {
    return fail(Errc::bad_input, "the URL is not UTF-8 once it is decoded; encode text as UTF-8");
  }
  return {};
}

Result<std::string> decode_segment(std::string_view segment) {
  TRY(auto decoded, percent_decode(segment, Plus::literal));
  TRY(check_decoded(decoded));
  if (decoded.find('/') != std::string::npos) {
    return fail(Errc::bad_input, "the path holds an encoded slash; no name here has one");
  }
  if (decoded == "." || decoded == "..") {
    return fail(Errc::bad_input, "the path holds a dot segment; write it resolved");
  }
  return decoded;
}

Result<std::string> decode_path(std::string_view path) {
  if (path == "*") return std::string(path);
  if (!path.starts_with('/')) {
    return fail(Errc::bad_input, "the path does not begin with a slash");
  }
  std::string decoded;
  while (!path.empty()) {
    path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    if (end == 0 && !path.empty()) {
      return fail(Errc::bad_input, "the path holds an empty segment (//); remove it");
    }
    TRY(auto segment, decode_segment(path.substr(0, end)));
    decoded += '/';
    decoded += segment;
    path.remove_prefix(end);
  }
  return decoded;
}

Result<std::string> decode_option(std::string_view text) {
  TRY(auto decoded, percent_decode(text, Plus::space));
  TRY(check_decoded(decoded));
  return decoded;
}

}  // namespace

Result<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::space) {
      out += ' ';
      continue;
    }
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return fail(Errc::bad_input,
                  "a % is not followed by two hexadecimal digits; write %25 for a percent sign");
    }
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

void append_percent_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<uint8_t>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 0xf];
  }
}

std::string percent_encode(std::string_view text) {
  std::string out;
  append_percent_encoded(out, text);
  return out;
}

Result<Query> Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const auto option = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (option.empty()) continue;
    if (query.options_.size() == kQueryOptionsMax) {
      return fail(Errc::bad_input, "more than {} options are given; leave some out",
                  kQueryOptionsMax);
    }
    const size_t equals = std::min(option.find('='), option.size());
    TRY(auto name, decode_option(option.substr(0, equals)));
    TRY(auto value, decode_option(option.substr(std::min(equals + 1, option.size()))));
    query.options_.emplace_back(std::move(name), std::move(value));
  }
  return query;
}

std::optional<std::string_view> Query::get(std::string_view name) const {
  for (const auto& [given, value] : options_) {
    if (given == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Query::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [given, value] : options_) {
    if (given == name) values.emplace_back(value);
  }
  return values;
}

bool Query::repeated(std::string_view name) const {
  return std::ranges::count(options_, name, &std::pair<std::string, std::string>::first) > 1;
}

Result<Target> parse_target(std::string_view text) {
  const size_t mark = std::min(text.find('?'), text.size());
  TRY(auto path, decode_path(text.substr(0, mark)));
  TRY(auto query, Query::parse(text.substr(std::min(mark + 1, text.size()))));
  return Target{.path = std::move(path), .query = std::move(query)};
}

}  // namespace carillon
