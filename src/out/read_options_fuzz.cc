#include "out/read_options.h"

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "testing/pieces.h"

namespace carillon {
namespace {

using AfterKind = AfterOption::Kind;

void check_refusal(const OptionError& error) {
  CHECK(!error.detail.empty());
  CHECK(!(error.bad_cursor && error.bad_topic));
}

void check_after(const AfterOption& after) {
  CHECK(after.kind != AfterKind::newest || after.count > 0);
  CHECK(after.kind != AfterKind::cursor || after.cursor.text() == after.text);
}

// What the doors rely on without looking again.
void check_options(const ReadOptions& options) {
  check_after(options.after);
  CHECK(options.limit >= 1 && options.limit <= kPageEventsMax);
  CHECK(!options.wait || (options.wait->count() >= 0 && *options.wait <= kLongPollMax));
  CHECK(!options.rate || (*options.rate > 0 && *options.rate <= 1e6));
  CHECK(!options.conflate || options.rate);
}

void check_topics(const Query& query) {
  const auto topics = parse_topic_options(query);
  if (!topics) return check_refusal(topics.error());
  CHECK(!topics->empty() && topics->size() <= kPatternsMax);
  CHECK(std::ranges::is_sorted(*topics));
  CHECK(std::ranges::adjacent_find(*topics) == topics->end());
}

}  // namespace
}  // namespace carillon

// A Last-Event-ID on the first line, the query behind it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto text = fuzzed_text(data, size);
  const size_t end = std::min(text.find('\n'), text.size());
  const auto last_event_id = text.substr(0, end);
  const auto query = Query::parse(text.substr(std::min(end + 1, text.size())));
  if (const auto after = parse_after(last_event_id)) {
    check_after(*after);
  } else {
    CHECK(after.error().bad_cursor);
  }
  if (!query) return 0;
  check_topics(*query);
  const auto options = parse_read_options(*query, last_event_id, {});
  if (!options) {
    check_refusal(options.error());
    return 0;
  }
  check_options(*options);
  // An EventSource is never ended by the id that it sends: it starts somewhere, if in a gap.
  const auto kind = options->after.kind;
  CHECK(last_event_id.empty() || kind == AfterKind::cursor || kind == AfterKind::unknown);
  return 0;
}
