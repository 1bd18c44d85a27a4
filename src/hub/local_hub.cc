#include "hub/local_hub.h"

#include <algorithm>

namespace carillon {

LocalHub::LocalHub(Log& log, ReadPool& pool, Post post, size_t tail_bytes)
    : log_(log),
      pool_(pool),
      post_(std::move(post)),
      epoch_(log.epoch()),
      tail_(tail_bytes, log.durable_end()),
      highest_mark_(log.durable_end()),
      mark_number_(log.mark_number()) {
  log_.watch(*this);
}

LocalHub::~LocalHub() { log_.unwatch(*this); }

void LocalHub::publish(Append append, std::move_only_function<void(Result<Appended>)> done) {
  append.done = [this, done = std::move(done)](Result<Appended> result) mutable {
    settled_.emplace_back(std::move(done), std::move(result));
  };
  publishes_.push_back(std::move(append));
}

void LocalHub::hand_over() {
  if (publishes_.empty()) return;
  std::vector<Append> publishes;
  publishes.swap(publishes_);
  log_.append(std::move(publishes));
}

void LocalHub::on_turn(std::shared_ptr<const Commit> commit) {
  if (commit == nullptr && settled_.empty()) return;
  post_([this, commit = std::move(commit), settled = std::exchange(settled_, {})]() mutable {
    take_turn(commit, std::move(settled));
  });
}

void LocalHub::take_turn(const std::shared_ptr<const Commit>& commit,
                         std::vector<Settled> settled) {
  if (commit != nullptr) {
    for (const RaisedMark& raised : commit->marks) {
      if (!raised.evicted) {
        Position& mark = marks_[raised.topic.value];
        mark = std::max(mark, raised.mark);
      }
      highest_mark_ = std::max(highest_mark_, raised.mark);
    }
    mark_number_ = std::max(mark_number_, commit->mark_number);
    tail_.add(commit);
    for (CommitListener* listener : listeners_) listener->on_commit(*commit);
  }
  for (auto& [done, result] : settled) done(std::move(result));
}

Position LocalHub::mark_of(TopicId topic) const {
  const auto found = marks_.find(topic.value);
  return found == marks_.end() ? Position() : found->second;
}

}  // namespace carillon
