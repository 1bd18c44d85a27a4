// Faults that the tests plant into a running hub, to show that their checker finds each.
//
// Compiled in with -DCARILLON_PLANTED_FAULTS=ON alone (the preset `planted`); else every question
// is answered `false` while compiling.
#pragma once

#ifdef CARILLON_PLANTED_FAULTS
#include <cstdlib>
#endif
#include <string_view>

namespace carillon {

#ifdef CARILLON_PLANTED_FAULTS
// The environment's CARILLON_FAULT is this one.
inline bool is_planted(std::string_view fault) {
  static const char* const chosen = std::getenv("CARILLON_FAULT");
  return chosen != nullptr && fault == chosen;
}
#else
constexpr bool is_planted(std::string_view) { return false; }
#endif

}  // namespace carillon
