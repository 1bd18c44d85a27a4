// An embedded log on a fake disk, whose threads the test plays.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "log/embedded_log.h"
#include "testing/fake_clock.h"
#include "testing/fake_disk.h"

namespace carillon {

// Keeps what it is told, as one text a line. Thread-safe.
class FakeLogger : public Logger {
 public:
  void write(Severity severity, std::string_view text,
             std::initializer_list<Field> fields) override;
  // A line of at least this severity holds `part`.
  bool told(Severity least, std::string_view part) const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<Severity, std::string>> lines_;
};

// An event as a reader got it. A value.
struct ReadEvent {
  std::string topic;
  std::string data;
  Position position;
  friend bool operator==(const ReadEvent&, const ReadEvent&) = default;
};
std::vector<std::string> datas_of(const std::vector<ReadEvent>& events);

Digest digest_of(std::string_view text);
TopicPattern pattern_of(std::string_view text);

// What one reader was told on its way from a cursor to the end.
struct ReadThrough {
  std::vector<ReadEvent> events;
  std::vector<RaisedMark> gaps;
  std::vector<Damage> damage;
  Position looked;
  std::optional<Error> error;
};

// Owns the log and everything it needs but the disk, so that a test can kill one and open the next.
class LogFixture {
 public:
  // An answer that may still be waited for.
  using Answer = std::shared_ptr<std::optional<Result<Appended>>>;

  explicit LogFixture(FakeDisk& disk, uint64_t journal_bytes = kJournalBytesMin);

  // Closes it first when it is open.
  Result<> open();
  // As a kill would: nothing is committed any more.
  void close() { log_.reset(); }
  EmbeddedLog& log() { return *log_; }

  // An append of `datas` to one topic.
  static Append append_of(std::string_view topic, const std::vector<std::string>& datas);
  static void add_event(Append& append, std::string_view topic, std::string_view data);

  // Hands it over; answered by the turns that follow.
  Answer submit(Append append);
  // Hands it over and plays turns until it is answered.
  Result<Appended> commit(Append append);
  Result<Appended> publish(std::string_view topic, std::string_view data);
  // With an Idempotency-Key.
  Result<Appended> publish_once(std::string_view topic, std::string_view data,
                                std::string_view key);
  Result<> trim(std::string_view topic, Position before);
  Result<> drop(std::string_view topic);
  // Plays the committer until nothing waits.
  void commit_all();
  // Plays both threads for some seconds: retention asks, the committer raises, space is given back.
  void keep_house();
  // Fills the journal and seals it; false when publishes are refused meanwhile.
  bool seal();

  ReadThrough read_through(const std::vector<std::string>& patterns, Position after = {},
                           size_t bytes_max = kReadBytesMax, size_t events_max = kPageEventsMax);
  std::vector<ReadEvent> read_all(const std::vector<std::string>& patterns, Position after = {});
  // The data of one topic's events.
  std::vector<std::string> read_topic(const std::string& topic, Position after = {});

  FakeDisk& disk;
  FakeClock clock;
  FakeLogger logger;
  SeededRandom random{11};
  // `memory.…` topics are memory, all else is kept for ever, until a test says otherwise.
  std::function<TopicSettings(std::string_view)> settings;
  uint64_t log_bytes_max = 1ULL << 40;
  std::vector<Error> failures;  // what on_failed was called with

 private:
  uint64_t journal_bytes_;
  std::unique_ptr<EmbeddedLog> log_;
};

}  // namespace carillon
