#include "log/log_state.h"

#include <algorithm>

#include "base/limits.h"

namespace carillon {

bool note_damage(LogState& state, Damage damage) {
  auto& damages = state.damages;
  const bool known = std::ranges::any_of(damages, [&](const Damage& one) {
    return one.file == damage.file && one.offset == damage.offset;
  });
  if (known) return false;
  if (damages.size() < kDamagesMax) {
    damages.push_back(std::move(damage));
    return true;
  }
  // A log that is damaged everywhere is told of as one stretch from here on.
  Damage& rest = damages.back();
  rest.after = std::min(rest.after, damage.after);
  rest.last = std::max(rest.last, damage.last);
  rest.topic = TopicId();
  return true;
}

void prune_damages(LogState& state) {
  Position oldest = state.journals.empty() ? Position{UINT64_MAX} : Position();
  for (const auto& index : state.journals) {
    if (index->empty()) continue;
    oldest = index->entries().front().position;
    break;
  }
  if (!state.segments.empty()) oldest = std::min(oldest, state.segments.front()->footer().first);
  std::erase_if(state.damages, [&](const Damage& damage) {
    if (damage.topic.value == 0) return damage.last < oldest;
    const TopicRow* row = state.topics.find(damage.topic);
    return row != nullptr && damage.last <= row->mark;
  });
}

}  // namespace carillon
