#include "log/tail.h"

#include <algorithm>

namespace carillon {

namespace {

size_t bytes_of(const Commit& commit) {
  return sizeof(Commit) + commit.frame.capacity() + commit.memory_records.capacity() +
         commit.events.size() * sizeof(EventView);
}

}  // namespace

void Tail::add(std::shared_ptr<const Commit> commit) {
  end_ = commit->durable_end;
  if (commit->events.empty()) return;
  bytes_ += bytes_of(*commit);
  commits_.push_back(std::move(commit));
  while (bytes_ > bytes_max_ && commits_.size() > 1) {
    start_ = commits_.front()->durable_end;
    bytes_ -= bytes_of(*commits_.front());
    commits_.pop_front();
  }
}

std::vector<std::shared_ptr<const Commit>> Tail::commits_behind(Position after) const {
  return {commits_.begin() + static_cast<std::ptrdiff_t>(first_commit_behind(after)),
          commits_.end()};
}

size_t Tail::first_commit_behind(Position after) const {
  const auto found = std::ranges::upper_bound(
      commits_, after, {}, [](const auto& commit) { return commit->durable_end; });
  return static_cast<size_t>(found - commits_.begin());
}

size_t Tail::first_event_behind(const Commit& commit, Position after) {
  const auto found = std::ranges::upper_bound(commit.events, after, {},
                                              [](const EventView& e) { return e.position(); });
  return static_cast<size_t>(found - commit.events.begin());
}

}  // namespace carillon
