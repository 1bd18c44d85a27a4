#include "out/conflation.h"

#include "base/limits.h"

namespace carillon {

void ConflationWindow::add(const EventView& event) {
  ++seen_;
  bytes_ += event.record_bytes();
  const auto key = conflate_ ? event.attributes().key : std::string_view();
  if (!key.empty()) {
    // A topic holds no NUL, so that ("a", "b\0c") and ("a\0b", "c") cannot meet.
    std::string full(event.topic());
    full += '\0';
    full += key;
    const auto [found, inserted] = last_of_key_.try_emplace(std::move(full), events_.size());
    if (!inserted) {
      superseded_[found->second] = true;
      found->second = events_.size();
    }
  }
  events_.push_back(event);
  superseded_.push_back(false);
}

bool ConflationWindow::full() const {
  return seen_ >= kConflateEventsMax || bytes_ >= kConflateBytesMax;
}

std::vector<EventView> ConflationWindow::take() {
  std::vector<EventView> left;
  for (size_t i = 0; i < events_.size(); ++i) {
    if (!superseded_[i]) left.push_back(events_[i]);
  }
  events_.clear();
  superseded_.clear();
  last_of_key_.clear();
  seen_ = 0;
  bytes_ = 0;
  return left;
}

void ConflationWindow::clear() {
  take();
  owners_.clear();
}

}  // namespace carillon
