// A finite page of events, and the long-poll that waits for one.
#pragma once

#include <memory>
#include <string>

#include "hub/local_hub.h"
#include "out/fan_out.h"
#include "out/read_options.h"
#include "out/read_start.h"

namespace carillon {

struct Page {
  std::string events;  // JSON, comma-separated
  size_t count = 0;
  Position cursor;      // what to pass as `after` next
  Position looked;      // up to here nothing that was asked for was left out; may lie behind cursor
  bool at_end = false;  // nothing that was asked for lies behind it
  std::vector<Gap> gaps;
  uint64_t told_marks = 0;  // ReadResult::told_marks up to here
};

// What a page is read by. Shared by the loop and the pool; never changed.
struct PageRequest {
  ReadOptions options;
  std::shared_ptr<TopicSelection> selection;
  std::vector<TopicPattern> memory_patterns;
};

// Blocks on the disk.
Result<Page> read_page(Log& log, const PageRequest& request);
// The same from a place that a long-poll waits at.
Result<Page> read_page_from(Log& log, const PageRequest& request, ReadStart start);

std::string page_json(const Page& page, Epoch epoch);

// Waits on its loop for an event that may match, or for its time; then reads the page and answers.
//
// `from` is where the page ended that found nothing. Owned by itself from begin() until it has
// answered or the client is gone.
class LongPoll : public EventWaiter, public std::enable_shared_from_this<LongPoll> {
 public:
  using Answer = std::move_only_function<void(Result<Page>)>;

  struct From {
    Position after;
    uint64_t told_marks = 0;
  };
  LongPoll(FanOut& fan_out, std::shared_ptr<const PageRequest> request, From from,
           MonotonicTime deadline, Answer answer);

  void begin();
  // The client went away.
  void cancel();

  bool wants(const EventView& event) const override;
  void on_event() override;
  MonotonicTime deadline() const override { return deadline_; }
  void on_deadline() override;

 private:
  void read();
  void take_page(Result<Page> page);
  bool missed_something() const;
  void finish(Result<Page> page);

  FanOut& fan_out_;
  std::shared_ptr<const PageRequest> request_;
  From from_;
  MonotonicTime deadline_;
  Answer answer_;
  std::shared_ptr<LongPoll> self_;
};

}  // namespace carillon
