#include "out/gap.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/limits.h"
#include "base/planted.h"
#include "base/text.h"

namespace carillon {

namespace {

std::string_view reason_of(MarkReason reason) {
  switch (reason) {
    case MarkReason::expired: return "expired";
    case MarkReason::deleted: return "deleted";
  }
  return "expired";
}

void add_marks(std::vector<Gap>& gaps, Log& log, const ReadResult& result, Cursor cursor,
               MarkReason reason) {
  Gap gap{.requested = cursor.text(), .reason = reason_of(reason), .resumed = cursor};
  for (const RaisedMark& mark : result.gaps) {
    if (mark.reason != reason) continue;
    ++gap.topics_total;
    if (gap.topics.size() == kGapTopicsMax) continue;
    const auto bounds = log.bounds(mark.name);
    gap.topics.push_back({std::string(mark.name), bounds ? bounds->oldest : Position()});
  }
  if (gap.topics_total > 0) gaps.push_back(std::move(gap));
}

}  // namespace

std::string gap_members(const Gap& gap) {
  std::string out = R"("requested":)";
  append_json_string(out, gap.requested);
  fmt::format_to(std::back_inserter(out), R"(,"reason":"{}","resumed":"{}","topics":[)", gap.reason,
                 gap.resumed.text());
  bool first = true;
  for (const Gap::Topic& topic : gap.topics) {
    out += first ? "{\"topic\":" : ",{\"topic\":";
    first = false;
    append_json_string(out, topic.name);
    if (topic.oldest.value == 0) {
      out += R"(,"oldest":null})";
    } else {
      fmt::format_to(std::back_inserter(out), R"(,"oldest":"{}"}})",
                     Cursor{gap.resumed.epoch, topic.oldest}.text());
    }
  }
  fmt::format_to(std::back_inserter(out), R"(],"topics_total":{})", gap.topics_total);
  return out;
}

std::string gap_json(const Gap& gap) { return "{" + gap_members(gap) + "}"; }

std::vector<Gap> gaps_of(Log& log, const ReadResult& result, Cursor cursor) {
  std::vector<Gap> gaps;
  if (is_planted("skip-gap")) return gaps;
  add_marks(gaps, log, result, cursor, MarkReason::expired);
  add_marks(gaps, log, result, cursor, MarkReason::deleted);
  if (!result.damage.empty())
    gaps.push_back({.requested = cursor.text(), .reason = "damaged", .resumed = cursor});
  return gaps;
}

void add_gap(std::vector<Gap>& gaps, Gap gap) {
  const auto same = std::ranges::find(gaps, gap.reason, &Gap::reason);
  if (same == gaps.end()) {
    gaps.push_back(std::move(gap));
    return;
  }
  for (Gap::Topic& topic : gap.topics) {
    const auto known = std::ranges::find(same->topics, topic.name, &Gap::Topic::name);
    if (known != same->topics.end()) {
      known->oldest = topic.oldest;
      continue;
    }
    ++same->topics_total;
    if (same->topics.size() < kGapTopicsMax) same->topics.push_back(std::move(topic));
  }
}

}  // namespace carillon
