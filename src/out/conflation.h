// Reduces a window of events to the last of each key, in position order.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "event/record.h"

namespace carillon {

// The key is (topic, key); an event without a key is never left out. Without `conflate` the window
// only gathers, as `rate` alone asks. Bounded by kConflateEventsMax and kConflateBytesMax: full()
// says that it must be emitted.
class ConflationWindow {
 public:
  explicit ConflationWindow(bool conflate) : conflate_(conflate) {}

  // The event's bytes must live until take().
  void add(const EventView& event);
  // Keeps what events point into until take().
  void keep_alive(std::shared_ptr<const void> owner) { owners_.push_back(std::move(owner)); }
  bool full() const;
  bool empty() const { return seen_ == 0; }
  // What is left, in position order; the window is empty afterwards but keeps what it kept alive
  // until clear().
  std::vector<EventView> take();
  void clear();

 private:
  bool conflate_;
  size_t seen_ = 0;
  size_t bytes_ = 0;
  std::vector<EventView> events_;
  std::vector<bool> superseded_;
  std::unordered_map<std::string, size_t> last_of_key_;
  std::vector<std::shared_ptr<const void>> owners_;
};

}  // namespace carillon
