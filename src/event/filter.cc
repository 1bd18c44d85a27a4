#include "event/filter.h"

namespace carillon {

namespace {

bool term_matches(std::string_view term, std::string_view value) {
  if (term.empty()) return true;
  if (term.back() == '*') return value.starts_with(term.substr(0, term.size() - 1));
  return value == term;
}

}  // namespace

bool Filter::matches(const EventView& event) const {
  if (empty()) return true;
  const auto attributes = event.attributes();
  return term_matches(type, attributes.type) && term_matches(subject, attributes.subject);
}

}  // namespace carillon
