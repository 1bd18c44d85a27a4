// One loop's share of the hub: the tail, the publishes of this turn, and the way to the log and
// back.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "log/log.h"
#include "log/read_pool.h"
#include "log/tail.h"

namespace carillon {

// Hears of each commit on the loop.
class CommitListener {
 public:
  virtual ~CommitListener() = default;
  virtual void on_commit(const Commit& commit) = 0;
};

// What the log says when it reads, made fit for a reader: gaps with the oldest event of each topic.
struct GapTopic {
  std::string topic;
  Position oldest;  // 0: it has none
  MarkReason reason = MarkReason::expired;
};

// Owned by a loop's parts in carillon.cc; everything but on_turn is called on the loop's thread.
// Commits and answers cross from the committer as one message a turn.
class LocalHub : public Watcher {
 public:
  using Post = std::function<void(std::move_only_function<void()>)>;  // runs a task on the loop

  LocalHub(Log& log, ReadPool& pool, Post post, size_t tail_bytes);
  ~LocalHub() override;

  Log& log() const { return log_; }
  Epoch epoch() const { return epoch_; }
  const Tail& tail() const { return tail_; }

  // Gathered, and handed to the committer together at the turn's end. `done` runs on the loop after
  // the sync.
  void publish(Append append, std::move_only_function<void(Result<Appended>)> done);
  void hand_over();

  void add_listener(CommitListener& listener) { listeners_.push_back(&listener); }

  // Runs `work` on the read pool and `then` with its result on the loop.
  template <typename Work, typename Then>
  void off_loop(Work work, Then then) {
    pool_.run([post = post_, work = std::move(work), then = std::move(then)]() mutable {
      post([result = work(), then = std::move(then)]() mutable { then(std::move(result)); });
    });
  }

  // No cursor at or above this position is below any topic's mark, as far as this loop knows.
  Position highest_mark() const { return highest_mark_; }
  uint64_t mark_number() const { return mark_number_; }
  // The mark of a topic that rose since this loop began, evictions left out; 0 otherwise. Events at
  // or below it must not be given from the tail any more.
  Position mark_of(TopicId topic) const;

  // Watcher, on the committer's thread.
  void on_turn(std::shared_ptr<const Commit> commit) override;

 private:
  using Settled = std::pair<std::move_only_function<void(Result<Appended>)>, Result<Appended>>;
  void take_turn(const std::shared_ptr<const Commit>& commit, std::vector<Settled> settled);

  Log& log_;
  ReadPool& pool_;
  Post post_;
  Epoch epoch_;
  Tail tail_;
  std::vector<Append> publishes_;
  std::vector<CommitListener*> listeners_;
  std::unordered_map<uint32_t, Position> marks_;
  Position highest_mark_;
  uint64_t mark_number_ = 0;

  std::vector<Settled> settled_;  // the committer's thread alone
};

}  // namespace carillon
