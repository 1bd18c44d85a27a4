// What a reader is told when it cannot have everything: never silence.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "event/cursor.h"
#include "log/log.h"

namespace carillon {

// A value; DESIGN 4 has its JSON form.
struct Gap {
  struct Topic {
    std::string name;
    Position oldest;  // 0: it holds nothing
  };
  std::string requested;
  std::string_view reason;  // expired, epoch, unknown, restart, deleted, damaged
  Cursor resumed;
  std::vector<Topic> topics;  // at most kGapTopicsMax
  size_t topics_total = 0;
};

// `{"requested",…}`; the members alone for problem+json.
std::string gap_json(const Gap& gap);
std::string gap_members(const Gap& gap);

// The gaps that a read from `cursor` met: one a reason. Looks up the oldest events, which blocks on
// the disk.
std::vector<Gap> gaps_of(Log& log, const ReadResult& result, Cursor cursor);

// Adds a gap that follows those before events are given: of one reason there is one gap, which says
// of each topic what is true by now.
void add_gap(std::vector<Gap>& gaps, Gap gap);

}  // namespace carillon
