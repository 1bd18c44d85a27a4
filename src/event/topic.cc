#include "event/topic.h"

#include <algorithm>

#include "base/limits.h"

namespace carillon {

namespace {

constexpr std::string_view kSystemSegment = "$sys";
constexpr std::string_view kRule =
    "a topic is dot-separated segments of letters, digits, '_' and '-', at most 200 bytes, e.g. "
    "orders.eu";

bool is_segment_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool is_literal_segment(std::string_view segment) {
  return !segment.empty() && std::ranges::all_of(segment, is_segment_character);
}

// Takes the first segment off `rest`; `rest` is empty after the last one.
std::string_view take_segment(std::string_view& rest) {
  const size_t dot = rest.find('.');
  const auto segment = rest.substr(0, dot);
  rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
  return segment;
}

size_t bytes_max(std::string_view name) {
  return is_system_topic(name) ? kSystemTopicBytesMax : kTopicBytesMax;
}

}  // namespace

bool is_system_topic(std::string_view name) {
  return name == kSystemSegment ||
         (name.starts_with(kSystemSegment) && name[kSystemSegment.size()] == '.');
}

Result<> check_topic(std::string_view name) {
  if (name.empty()) return fail(Errc::bad_input, "the topic is empty: {}", kRule);
  if (name.size() > bytes_max(name)) {
    return fail(Errc::bad_input, "the topic has {} bytes: {}", name.size(), kRule);
  }
  if (name.back() == '.') return fail(Errc::bad_input, "the topic ends with a dot: {}", kRule);
  auto rest = name;
  bool first = true;
  while (!rest.empty()) {
    const auto segment = take_segment(rest);
    const bool system = first && segment == kSystemSegment && !rest.empty();
    if (!system && !is_literal_segment(segment)) {
      return fail(Errc::bad_input, "the segment '{}' is not allowed in a topic: {}", segment,
                  kRule);
    }
    first = false;
  }
  return {};
}

Result<TopicPattern> TopicPattern::parse(std::string_view text) {
  if (text.find('*') == std::string_view::npos) {
    TRY(check_topic(text));
    return TopicPattern(std::string(text), true);
  }
  if (text.size() > bytes_max(text)) {
    return fail(Errc::bad_input, "the pattern has {} bytes; at most {} are allowed", text.size(),
                bytes_max(text));
  }
  if (text.back() == '.') return fail(Errc::bad_input, "the pattern ends with a dot: {}", kRule);
  auto rest = text;
  bool first = true;
  while (!rest.empty()) {
    const auto segment = take_segment(rest);
    const bool system = first && segment == kSystemSegment;
    const bool wild = segment == "*" || (segment == "**" && rest.empty());
    if (!system && !wild && !is_literal_segment(segment)) {
      return fail(Errc::bad_input,
                  "the segment '{}' is not allowed in a pattern: a segment is a topic's segment or "
                  "'*', and the "
                  "last may be '**'",
                  segment);
    }
    first = false;
  }
  return TopicPattern(std::string(text), false);
}

bool TopicPattern::matches(std::string_view topic) const {
  if (exact_) return text_ == topic;
  std::string_view pattern = text_;
  if (is_system_topic(topic) && !is_system_topic(pattern)) return false;
  while (!pattern.empty()) {
    if (topic.empty()) return false;
    const auto wanted = take_segment(pattern);
    if (wanted == "**") return true;
    const auto segment = take_segment(topic);
    if (wanted != "*" && wanted != segment) return false;
  }
  return topic.empty();
}

bool TopicPattern::covers(const TopicPattern& other) const {
  std::string_view mine = text_;
  std::string_view theirs = other.text_;
  if (is_system_topic(theirs) && !is_system_topic(mine)) return false;
  while (!mine.empty()) {
    if (theirs.empty()) return false;
    const auto wanted = take_segment(mine);
    if (wanted == "**") return true;
    const auto segment = take_segment(theirs);
    if (segment == "**") return false;
    if (wanted != "*" && wanted != segment) return false;
  }
  return theirs.empty();
}

bool TopicPattern::overlaps(const TopicPattern& other) const {
  std::string_view mine = text_;
  std::string_view theirs = other.text_;
  if (is_system_topic(mine) != is_system_topic(theirs)) return false;
  while (!mine.empty() && !theirs.empty()) {
    const auto a = take_segment(mine);
    const auto b = take_segment(theirs);
    if (a == "**" || b == "**") return true;
    if (a != "*" && b != "*" && a != b) return false;
  }
  return mine.empty() && theirs.empty();
}

bool any_matches(const std::vector<TopicPattern>& patterns, std::string_view topic) {
  return std::ranges::any_of(patterns,
                             [&](const TopicPattern& pattern) { return pattern.matches(topic); });
}

bool any_covers(const std::vector<TopicPattern>& patterns, const TopicPattern& wanted) {
  return std::ranges::any_of(patterns,
                             [&](const TopicPattern& pattern) { return pattern.covers(wanted); });
}

}  // namespace carillon
