#include "out/page.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "out/conflation.h"
#include "wire/event_json.h"

namespace carillon {

namespace {

// How many blocks a page looks through when a filter leaves out nearly everything; it then ends
// early, and its cursor says how far it came.
constexpr int kBlocksAPage = 64;

void add_event(Page& page, const EventView& event, const ReadOptions& options, Epoch epoch) {
  if (page.count++ > 0) page.events += ",\n";
  append_event_json(page.events, event, epoch, options.data);
}

// Where a page ends that has all there is: at the newest event of what was asked for, so that a
// page of a quiet topic stays the same, whatever comes in others. (Not below this start: what was
// in memory before is lost, and was told.)
Position settled_cursor(const Log& log, const ReadResult& read, Position after) {
  const Position start{log.first_of_this_start().value - 1};
  Position settled = std::max({after, read.newest, start});
  for (const Damage& told : read.damage) settled = std::max(settled, told.last);
  return std::min(read.looked, settled);
}

}  // namespace

Result<Page> read_page(Log& log, const PageRequest& request) {
  AfterOption after = request.options.after;
  if (after.kind == AfterOption::Kind::absent) {
    after.kind = request.options.wait ? AfterOption::Kind::now : AfterOption::Kind::newest;
    after.count = request.options.limit;
  }
  TRY(auto start, resolve_start(log, request.selection, request.options.filter, after,
                                request.options.topics, request.memory_patterns));
  return read_page_from(log, request, std::move(start));
}

namespace {

// One page being filled.
class PageFill {
 public:
  PageFill(const PageRequest& request, Epoch epoch, Page& page)
      : options_(request.options), epoch_(epoch), page_(page), window_(true) {}

  bool empty() const { return page_.count == 0 && window_.empty(); }
  bool full() const {
    return options_.conflate
               ? window_.full()
               : page_.count == options_.limit || page_.events.size() >= kPageBytesMax;
  }
  void take(const EventView& event) {
    if (!options_.filter.matches(event)) return;
    options_.conflate ? window_.add(event) : add_event(page_, event, options_, epoch_);
  }
  void keep_alive(const ReadResult& read) {
    if (options_.conflate) window_.keep_alive(read.keeps_alive);
  }
  // A conflated window is given as far as the limit lets it: the cursor is then the last event
  // given.
  void finish() {
    Position last;
    for (const EventView& event : window_.take()) {
      if (page_.count == options_.limit || page_.events.size() >= kPageBytesMax) {
        page_.at_end = false;
        last_given_ = last;
        return;
      }
      add_event(page_, event, options_, epoch_);
      last = event.position();
    }
  }
  // Where a page that was cut ends; 0 when it was not.
  Position last_given() const { return last_given_; }

 private:
  const ReadOptions& options_;
  Epoch epoch_;
  Page& page_;
  ConflationWindow window_;
  Position last_given_;
};

}  // namespace

Result<Page> read_page_from(Log& log, const PageRequest& request, ReadStart start) {
  Page page{.events = {},
            .count = 0,
            .cursor = start.after,
            .looked = start.after,
            .at_end = false,
            .gaps = std::move(start.gaps),
            .told_marks = start.told_marks};
  if (!page.gaps.empty() && !request.options.gap_ok) return page;
  PageFill fill(request, log.epoch(), page);
  for (int block = 0; block < kBlocksAPage && !fill.full() && !page.at_end; ++block) {
    TRY(const auto read, log.read({.topics = request.selection,
                                   .after = page.cursor,
                                   .bytes_max = kReadBytesMax,
                                   .events_max = std::max<size_t>(request.options.limit, 64),
                                   .told_marks = page.told_marks}));
    auto gaps = gaps_of(log, read, {log.epoch(), fill.empty() ? start.after : page.cursor});
    // What was found so far is given; the gap is the next page's to tell.
    if (!gaps.empty() && !fill.empty()) break;
    page.told_marks = read.told_marks;
    fill.keep_alive(read);
    for (Gap& gap : gaps) add_gap(page.gaps, std::move(gap));
    bool cut = false;
    for (const EventView& event : read.events) {
      if ((cut = fill.full())) break;
      fill.take(event);
      page.cursor = event.position();
    }
    if (cut) break;
    page.at_end = read.looked >= log.durable_end();
    page.looked = read.looked;
    page.cursor = page.at_end ? settled_cursor(log, read, page.cursor) : read.looked;
  }
  fill.finish();
  if (fill.last_given().value != 0) page.cursor = fill.last_given();
  return page;
}

std::string page_json(const Page& page, Epoch epoch) {
  std::string out = "{\"events\":[";
  if (page.count > 0) out += '\n';
  out += page.events;
  if (page.count > 0) out += '\n';
  fmt::format_to(std::back_inserter(out), "],\"cursor\":\"{}\"", Cursor{epoch, page.cursor}.text());
  if (!page.gaps.empty()) out += ",\"gap\":" + gap_json(page.gaps.front());
  if (page.gaps.size() > 1) {
    out += ",\"gaps\":[";
    for (const Gap& gap : page.gaps) {
      if (out.back() != '[') out += ',';
      out += gap_json(gap);
    }
    out += ']';
  }
  out += "}\n";
  return out;
}

LongPoll::LongPoll(FanOut& fan_out, std::shared_ptr<const PageRequest> request, From from,
                   MonotonicTime deadline, Answer answer)
    : fan_out_(fan_out),
      request_(std::move(request)),
      from_(from),
      deadline_(deadline),
      answer_(std::move(answer)) {}

void LongPoll::begin() {
  self_ = shared_from_this();
  // What was committed since the page was read, and before this loop heard of it, is not missed.
  if (fan_out_.hub().log().durable_end() > from_.after) return read();
  fan_out_.add_waiter(*this);
}

void LongPoll::cancel() {
  fan_out_.remove_waiter(*this);
  answer_ = nullptr;
  self_.reset();
}

bool LongPoll::wants(const EventView& event) const {
  return event.position() > from_.after && any_matches(request_->options.topics, event.topic()) &&
         request_->options.filter.matches(event);
}

void LongPoll::on_event() { read(); }

void LongPoll::finish(Result<Page> page) {
  auto answer = std::move(answer_);
  answer_ = nullptr;
  const auto self = std::move(self_);
  if (answer != nullptr) answer(std::move(page));
}

void LongPoll::on_deadline() {
  finish(Page{.events = {},
              .count = 0,
              .cursor = std::max(from_.after, fan_out_.hub().tail().end()),
              .looked = {},
              .at_end = true,
              .gaps = {},
              .told_marks = from_.told_marks});
}

void LongPoll::read() {
  Log& log = fan_out_.hub().log();
  fan_out_.hub().off_loop(
      [&log, request = request_, from = from_] {
        return read_page_from(log, *request,
                              {.after = from.after, .gaps = {}, .told_marks = from.told_marks});
      },
      [self = shared_from_this()](Result<Page> page) { self->take_page(std::move(page)); });
}

void LongPoll::take_page(Result<Page> page) {
  if (answer_ == nullptr) return;
  const bool nothing = page && page->count == 0 && page->at_end && page->gaps.empty();
  if (!nothing) return finish(std::move(page));
  from_ = {page->looked, page->told_marks};
  // The loop may have heard of a commit before it heard of the read.
  if (missed_something()) return read();
  fan_out_.add_waiter(*this);
}

bool LongPoll::missed_something() const {
  const Tail& tail = fan_out_.hub().tail();
  if (from_.after < tail.start()) return true;
  return !tail.for_each_behind(from_.after, [&](const EventView& event) { return !wants(event); });
}

}  // namespace carillon
