#include "event/topic.h"

#include <array>

#include "base/check.h"
#include "base/limits.h"
#include "testing/pieces.h"

namespace carillon {
namespace {

// Three lines: a topic and two patterns.
std::array<std::string_view, 3> lines_of(std::string_view text) {
  std::array<std::string_view, 3> lines;
  for (auto& line : lines) {
    const size_t end = text.find('\n');
    line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return lines;
}

void check_pair(const TopicPattern& a, const TopicPattern& b, std::string_view topic) {
  CHECK(a.covers(a) && a.overlaps(a));
  CHECK(a.overlaps(b) == b.overlaps(a));
  // A topic of the longest length may not exist beneath a pattern; that a covering pattern overlaps
  // always holds.
  if (a.covers(b)) CHECK(a.overlaps(b));
  if (a.covers(b) && b.matches(topic)) CHECK(a.matches(topic));
  if (a.matches(topic) && b.matches(topic)) CHECK(a.overlaps(b));
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto [topic, first, second] = lines_of(fuzzed_text(data, size));
  if (check_topic(topic)) {
    CHECK(topic.size() <= kSystemTopicBytesMax && topic.find('*') == std::string_view::npos);
    const auto exact = TopicPattern::parse(topic);
    CHECK(exact.has_value() && exact->is_exact() && exact->matches(topic));
    const auto a = TopicPattern::parse(first);
    const auto b = TopicPattern::parse(second);
    if (a)
      CHECK(a->covers(*exact) == a->matches(topic) && a->overlaps(*exact) == a->matches(topic));
    if (a && b) check_pair(*a, *b, topic);
  }
  return 0;
}
