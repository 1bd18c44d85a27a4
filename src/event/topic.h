// The grammar of topic names and topic patterns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace carillon {

// Dot-separated segments of [A-Za-z0-9_-]+, at most 200 bytes; `$sys.` names are the hub's own (240
// bytes).
Result<> check_topic(std::string_view name);
// A literal first segment `$sys`.
bool is_system_topic(std::string_view name);

// A topic in which a segment may be `*` (exactly one segment) and the last may be `**` (one or
// more).
// `*` and `**` never match `$sys`: the hub's own topics are asked for by name. A value.
class TopicPattern {
 public:
  static Result<TopicPattern> parse(std::string_view text);

  const std::string& text() const { return text_; }
  // No wildcard: text() is the one topic it matches.
  bool is_exact() const { return exact_; }
  bool matches(std::string_view topic) const;
  // Every topic that `other` matches, this one matches too.
  bool covers(const TopicPattern& other) const;
  // Some topic is matched by both.
  bool overlaps(const TopicPattern& other) const;

  friend auto operator<=>(const TopicPattern& a, const TopicPattern& b) {
    return a.text_ <=> b.text_;
  }
  friend bool operator==(const TopicPattern& a, const TopicPattern& b) {
    return a.text_ == b.text_;
  }

 private:
  TopicPattern(std::string text, bool exact) : text_(std::move(text)), exact_(exact) {}

  std::string text_;
  bool exact_;
};

bool any_matches(const std::vector<TopicPattern>& patterns, std::string_view topic);
bool any_covers(const std::vector<TopicPattern>& patterns, const TopicPattern& wanted);

}  // namespace carillon
