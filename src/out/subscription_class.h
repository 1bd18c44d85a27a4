// Readers that want the same: equal topics, filter, form and conflation. They share every byte.
#pragma once

#include <compare>
#include <memory>
#include <optional>
#include <vector>

#include "event/filter.h"
#include "event/topic.h"
#include "log/log.h"
#include "out/conflation.h"
#include "out/frame_stream.h"
#include "out/stream_form.h"

namespace carillon {

class StreamReader;

struct ClassKey {
  std::vector<TopicPattern> topics;  // sorted
  Filter filter;
  StreamForm form;
  std::optional<double> rate;
  bool conflate = false;
  friend auto operator<=>(const ClassKey&, const ClassKey&) = default;
};

// A reader that is caught up: where to send, and how far it has come.
struct ReaderRow {
  int descriptor = -1;  // -1: through the reader's transport
  bool blocked = false;
  uint64_t offset = 0;  // into the class's frame stream
  StreamReader* reader = nullptr;
};

// Owned by a loop's fan-out. The rows are dense: a walk touches nothing else of a reader that takes
// all it is owed.
struct SubscriptionClass {
  SubscriptionClass(ClassKey wanted, std::shared_ptr<TopicSelection> chosen, Position now,
                    size_t class_number)
      : key(std::move(wanted)),
        selection(std::move(chosen)),
        stream(now),
        looked(now),
        window(key.conflate),
        number(class_number),
        form(key.form) {
    form.sub = class_number;
  }

  ClassKey key;
  std::shared_ptr<TopicSelection> selection;
  FrameStream stream;
  std::vector<ReaderRow> rows;
  std::vector<StreamReader*> metered;  // readers with credit: they encode for themselves
  size_t readers = 0;                  // rows, and those catching up
  Position looked;                     // every event up to here was encoded, or passed over
  MonotonicTime written{};             // when something was last appended
  size_t walk = 0;                     // the row where an unfinished walk goes on
  uint64_t walk_began = 0;             // the stream's end then
  uint64_t walk_end = 0;               // likewise; 0 when the walk must be made again
  bool dirty = false;
  // With a rate: when the next batch may go, and readers that joined within the window.
  ConflationWindow window;
  MonotonicTime next_batch{};
  bool batch_waits = false;
  std::vector<std::pair<StreamReader*, Position>> late;
  size_t number;
  StreamForm form;  // the key's, with the number that a session's frames name

  bool rated() const { return key.rate.has_value(); }
};

}  // namespace carillon
