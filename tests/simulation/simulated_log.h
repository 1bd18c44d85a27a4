// One life of a log and its readers, decided by a seed: every step, every fault, every crash.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "log_model.h"
#include "testing/fake_clock.h"
#include "testing/fake_disk.h"

namespace carillon {

// What a run did and found.
struct SimulationReport {
  std::string violation;  // empty: none
  std::map<std::string, uint64_t> taken;
  uint64_t trace_hash = 0;
  std::string trace;  // when it was asked for
};

// Owns the disk, the clock and the log; one thread, no time but its own. The same seed does the
// same.
class SimulatedLog {
 public:
  enum class Trace { hashed, kept };

  SimulatedLog(uint64_t seed, Trace trace);

  // `steps` of chance, then the disk heals and everything must be as it was told.
  SimulationReport run(uint64_t steps);
  // Every name that `taken` can have: none may stay at zero over many seeds.
  static std::vector<std::string> names();

 private:
  enum class Directory { ordered, any };
  using Step = void (SimulatedLog::*)();
  struct Choice {
    const char* name;
    uint64_t weight;
    Step step;
  };
  static const std::vector<Choice>& choices();

  // Publishing
  void publish_some();
  void publish_in_a_rush();
  void publish_memory();
  void publish_batch();
  void publish_with_key();
  void publish_with_id();
  void publish_given();
  void publish_checkpoint();
  // The log's own threads
  void commit();
  void keep_house();
  // Owners and time
  void trim();
  void drop();
  void pass_time();
  void step_wall_clock();
  // Readers
  void begin_reader();
  void read();
  void look();
  // Faults
  void fill_disk();
  void heal_disk();
  void fail_commit();
  void fail_housekeeping();
  void fail_read();
  void crash();
  void crash_in_housekeeping();
  void crash_in_recovery();
  void restart();

  void note(std::string line);
  void count(const char* name) { ++report_.taken[name]; }
  std::string any_topic();
  std::string any_disk_topic();
  Position any_position();
  TriedItem item_of(std::string topic, std::string id);
  void submit(Attempt attempt, std::string_view event_key, Position given, std::string checkpoint);
  void submit(TriedItem item) { submit({.items = {std::move(item)}, .key = {}}, "", {}, ""); }
  void read_with(ModelReader& reader, bool may_fail);
  void lose_power();
  void end_life();
  bool open(bool may_fail);
  void die();
  void finish();
  EmbeddedLog::Options options() const;

  SeededRandom random_;
  SeededRandom log_random_;
  FakeDisk disk_;
  FakeClock clock_;
  NullLogger logger_;
  LogModel model_;
  std::unique_ptr<EmbeddedLog> log_;
  std::deque<Attempt> attempts_;
  std::vector<ModelReader> readers_;
  Trace tracing_;
  SimulationReport report_;
  uint64_t number_ = 0;
  std::optional<Epoch> epoch_;
};

}  // namespace carillon
