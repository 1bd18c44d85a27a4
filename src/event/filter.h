// Which events of its topics a reader wants: `type=` and `subject=`, exact, or a prefix ending in
// `*`.
#pragma once

#include <compare>
#include <string>

#include "event/record.h"

namespace carillon {

// A value; an empty term lets everything through.
struct Filter {
  std::string type;
  std::string subject;

  bool empty() const { return type.empty() && subject.empty(); }
  bool matches(const EventView& event) const;
  friend auto operator<=>(const Filter&, const Filter&) = default;
};

}  // namespace carillon
