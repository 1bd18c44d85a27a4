// The read options of a URL: the same on every protocol.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "event/cursor.h"
#include "event/filter.h"
#include "event/topic.h"
#include "wire/event_json.h"
#include "wire/target.h"

namespace carillon {

// Where a reader wants to begin.
struct AfterOption {
  enum class Kind {
    absent,
    first,  // before everything that exists; never a gap
    now,
    newest,  // the last `count` matching events
    time,    // events stored at or behind `time`
    cursor,
    unknown,  // a Last-Event-ID that is no cursor: a gap, since an error would end an EventSource
              // for ever
  };
  Kind kind = Kind::absent;
  uint64_t count = 0;
  WallTime time{};
  Cursor cursor;
  std::string text;  // as it was given
};

// A value.
struct ReadOptions {
  std::vector<TopicPattern> topics;
  AfterOption after;
  Filter filter;
  std::optional<double> rate;  // at most so many batches a second
  bool conflate = false;       // of each batch the last event of each key
  bool cloudevents = false;    // the envelope
  DataAs data = DataAs::natural;
  size_t limit = 0;
  std::optional<std::chrono::seconds> wait;
  bool gap_ok = false;
};

// Errors begin with what is wrong; a bad cursor is told apart by `bad_cursor`.
struct OptionError {
  bool bad_cursor = false;
  bool bad_topic = false;
  std::string detail;
};

std::expected<AfterOption, OptionError> parse_after(std::string_view text);

// `last_event_id` wins over `after`; both may be empty.
std::expected<ReadOptions, OptionError> parse_read_options(const Query& query,
                                                           std::string_view last_event_id,
                                                           std::vector<TopicPattern> topics);

// `topic=` options of /stream.
std::expected<std::vector<TopicPattern>, OptionError> parse_topic_options(const Query& query);

}  // namespace carillon
