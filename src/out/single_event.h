// One event as an HTTP answer, and a topic as a feed. All of these block on the disk.
#pragma once

#include <string>

#include "event/filter.h"
#include "log/log.h"
#include "net/exchange.h"
#include "out/read_options.h"

namespace carillon {

// The newest event of the topic that matches, in binary mode or as an envelope; 204 when there is
// none.
Result<Response> latest_event(Log& log, const std::string& topic, const ReadOptions& options);
// The event at `cursor`; 410 when it was removed, 404 when there never was one; Errc::corrupt when
// it cannot be read any more.
Result<Response> event_at(Log& log, const std::string& topic, const Cursor& cursor,
                          const ReadOptions& options);

struct FeedRequest {
  bool atom = false;  // else JSON Feed
  std::string origin;
  std::string target;      // the path and query that were asked for
  std::string tag_wanted;  // If-None-Match
};
// The newest events that match; 304 when `tag_wanted` is its tag.
Result<Response> topic_feed(Log& log, const std::string& topic, const Filter& filter,
                            const FeedRequest& request);

// A page's weak tag.
std::string page_tag(const std::string& target, const Cursor& cursor, size_t count);

}  // namespace carillon
