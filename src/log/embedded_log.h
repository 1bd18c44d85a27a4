// The embedded engine: the log in a directory of this machine.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "base/logger.h"
#include "base/random.h"
#include "log/committer.h"
#include "log/disk.h"
#include "log/housekeeper.h"
#include "log/log.h"
#include "log/log_state.h"

namespace carillon {

// Owns the committer's and the housekeeping thread, the only two that write. All calls are
// thread-safe; `disk`, `clock` and `logger` must outlive it.
//
// (Not SQLite, LMDB or RocksDB: 4 to 50 times the CPU an event. Not a file a topic: a sync a dirty
// topic. Both measured before this was built.)
class EmbeddedLog : public Log {
 public:
  // none: the caller plays the threads with commit_waiting() and keep_house(), as the simulation
  // does.
  enum class Threads { own, none };

  struct Options {
    std::function<TopicSettings(std::string_view topic)> settings_for;
    // 0: as the log has them; in a new one a sixteenth of the free space, between 1 and 64 MiB.
    uint64_t journal_bytes = 0;
    uint64_t log_bytes_max = 0;  // 0: the lesser of 10 GB and 80 % of the disk
    Threads threads = Threads::own;
    std::function<void(const Error&)> on_failed;
  };

  // Recovers what is there, or starts a new log. Errc::corrupt, Errc::io: it cannot be trusted or
  // read.
  static Result<std::unique_ptr<EmbeddedLog>> open(Disk& disk, const Clock& clock, Random& random,
                                                   Logger& logger, Options options);
  // What was submitted is synced first.
  ~EmbeddedLog() override;
  EmbeddedLog(const EmbeddedLog&) = delete;
  EmbeddedLog& operator=(const EmbeddedLog&) = delete;

  Capabilities capabilities() const override;
  Epoch epoch() const override { return epoch_; }
  Position durable_end() const override { return Position{state_.durable_end}; }
  Position first_of_this_start() const override { return first_of_this_start_; }
  void append(std::vector<Append> appends) override;
  std::shared_ptr<TopicSelection> select(std::vector<TopicPattern> patterns) override;
  Result<ReadResult> read(const ReadRequest& request) override;
  Position look_back(TopicSelection& topics, uint64_t of_topic, uint64_t of_log) override;
  Position position_before(WallTime time) override;
  std::vector<NewTopic> watch(Watcher& watcher) override;
  void unwatch(Watcher& watcher) override;
  std::optional<std::string> checkpoint(const std::string& source) override;
  std::optional<TopicBounds> bounds(std::string_view topic) override;
  std::vector<TopicBounds> list(const TopicPattern& pattern, std::string_view after_name,
                                size_t limit) override;
  void trim(std::string topic, Position before,
            std::move_only_function<void(Result<>)> done) override;
  void drop(std::string topic, std::move_only_function<void(Result<>)> done) override;
  Result<> snapshot(const std::string& to) override;
  LogStats stats() override;
  uint64_t mark_number() override;
  std::vector<Damage> damages() override;

  // Syncs what was submitted and ends the threads; nothing is taken any more. For the end of a
  // process.
  void quiesce() { stop_threads(); }

  // With Threads::none.
  void commit_waiting() { committer_->commit_waiting(); }
  void keep_house() { housekeeper_->step(); }

 private:
  EmbeddedLog(Disk& disk, const Clock& clock, Random& random, Logger& logger, Options options);
  Result<> start();
  void run_housekeeping();
  void pace(uint64_t bytes);
  uint64_t choose_journal_bytes(uint64_t free_bytes, const std::vector<std::string>& names);
  void stop_threads();
  TopicBounds bounds_of(TopicRow& row);

  Disk& disk_;
  const Clock& clock_;
  Random& random_;
  Logger& logger_;
  Options options_;
  LogState state_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<Housekeeper> housekeeper_;
  Epoch epoch_;
  Position first_of_this_start_;
  std::mutex housekeeping_pause_;  // held by a step of housekeeping; a snapshot gathers in between
  std::mutex snapshot_;            // held while one is made
  std::atomic<bool> stopping_{false};
  std::thread committing_;
  std::thread housekeeping_;
};

}  // namespace carillon
