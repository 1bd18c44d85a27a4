#include "out/read_options.h"

#include <algorithm>
#include <charconv>

#include "base/limits.h"
#include "base/text.h"

namespace carillon {

namespace {

// A thousand batches a second is faster than any screen; one in a hundred seconds slower than any
// reader waits.
constexpr double kRateMax = 1000;
constexpr double kRateMin = 0.01;
// An unknown Last-Event-ID is untrusted; a gap shows no more of it.
constexpr size_t kShownIdBytesMax = 64;

std::unexpected<OptionError> bad_option(std::string detail) {
  return std::unexpected(OptionError{.detail = std::move(detail)});
}

std::unexpected<OptionError> bad_cursor(std::string_view text) {
  return std::unexpected(
      OptionError{.bad_cursor = true,
                  .detail = fmt::format("'{}' is no place in the log: after takes a cursor as the "
                                        "hub gave it, `first`, `now`, -N for "
                                        "the last N, or an RFC 3339 time",
                                        text)});
}

std::expected<void, OptionError> take_rate(ReadOptions& options, const Query& query) {
  if (const auto conflate = query.get("conflate")) {
    if (*conflate != "key") return bad_option("conflate takes only `key`");
    options.conflate = true;
    options.rate = 10;
  }
  const auto text = query.get("rate");
  if (!text) return {};
  double rate = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), rate);
  if (error != std::errc() || end != text->data() + text->size() || !(rate >= kRateMin) ||
      !(rate <= kRateMax)) {
    return bad_option(
        fmt::format("rate = '{}' is no number from {} to {}", *text, kRateMin, kRateMax));
  }
  options.rate = rate;
  return {};
}

std::expected<void, OptionError> take_limits(ReadOptions& options, const Query& query) {
  options.limit = kPageEventsDefault;
  if (const auto text = query.get("limit")) {
    const auto limit = parse_decimal(*text);
    if (!limit || *limit == 0 || *limit > kPageEventsMax) {
      return bad_option(
          fmt::format("limit = '{}' is no number from 1 to {}", *text, kPageEventsMax));
    }
    options.limit = *limit;
  }
  if (const auto text = query.get("wait")) {
    const auto wait = parse_decimal(*text);
    if (!wait || *wait > static_cast<uint64_t>(kLongPollMax.count())) {
      return bad_option(fmt::format("wait = '{}' is no number of seconds from 0 to {}", *text,
                                    kLongPollMax.count()));
    }
    options.wait = std::chrono::seconds(*wait);
  }
  return {};
}

std::expected<void, OptionError> take_forms(ReadOptions& options, const Query& query) {
  if (const auto as = query.get("as")) {
    if (*as != "cloudevents") return bad_option("as takes only `cloudevents`");
    options.cloudevents = true;
  }
  if (const auto data = query.get("data")) {
    if (*data != "base64") return bad_option("data takes only `base64`");
    options.data = DataAs::base64;
  }
  if (const auto gap = query.get("gap")) {
    if (*gap != "ok") return bad_option("gap takes only `ok`");
    options.gap_ok = true;
  }
  return {};
}

}  // namespace

std::expected<AfterOption, OptionError> parse_after(std::string_view text) {
  AfterOption after{.text = std::string(text)};
  if (text == "first") {
    after.kind = AfterOption::Kind::first;
  } else if (text == "now") {
    after.kind = AfterOption::Kind::now;
  } else if (const auto cursor = Cursor::parse(text)) {
    after.kind = AfterOption::Kind::cursor;
    after.cursor = *cursor;
  } else if (text.starts_with('-')) {
    const auto count = parse_decimal(text.substr(1));
    if (!count || *count == 0 || *count > kLookBackEventsMax) return bad_cursor(text);
    after.kind = AfterOption::Kind::newest;
    after.count = *count;
  } else if (const auto time = parse_rfc3339(text)) {
    after.kind = AfterOption::Kind::time;
    after.time = *time;
  } else {
    return bad_cursor(text);
  }
  return after;
}

std::expected<std::vector<TopicPattern>, OptionError> parse_topic_options(const Query& query) {
  std::vector<TopicPattern> topics;
  for (const auto text : query.all("topic")) {
    auto pattern = TopicPattern::parse(text);
    if (!pattern)
      return std::unexpected(OptionError{.bad_topic = true, .detail = pattern.error().detail});
    topics.push_back(std::move(*pattern));
  }
  if (topics.empty())
    return bad_option("name at least one topic or pattern, e.g. /stream?topic=orders.*");
  if (topics.size() > kPatternsMax) {
    return bad_option(fmt::format("{} topics are named; at most {} are allowed, use patterns",
                                  topics.size(), kPatternsMax));
  }
  std::ranges::sort(topics);
  topics.erase(std::unique(topics.begin(), topics.end()), topics.end());
  return topics;
}

std::expected<ReadOptions, OptionError> parse_read_options(const Query& query,
                                                           std::string_view last_event_id,
                                                           std::vector<TopicPattern> topics) {
  for (const std::string_view name :
       {"after", "type", "subject", "rate", "conflate", "as", "data", "limit", "wait", "gap"}) {
    if (query.repeated(name)) return bad_option(fmt::format("'{}' is given more than once", name));
  }
  ReadOptions options{.topics = std::move(topics)};
  if (!last_event_id.empty()) {
    options.after.text = last_event_id.substr(0, kShownIdBytesMax);
    options.after.kind = AfterOption::Kind::unknown;
    if (const auto cursor = Cursor::parse(last_event_id)) {
      options.after.kind = AfterOption::Kind::cursor;
      options.after.cursor = *cursor;
    }
  } else if (const auto text = query.get("after")) {
    auto after = parse_after(*text);
    if (!after) return std::unexpected(std::move(after).error());
    options.after = std::move(*after);
  }
  options.filter.type = query.get("type").value_or("");
  options.filter.subject = query.get("subject").value_or("");
  if (auto taken = take_rate(options, query); !taken)
    return std::unexpected(std::move(taken).error());
  if (auto taken = take_limits(options, query); !taken)
    return std::unexpected(std::move(taken).error());
  if (auto taken = take_forms(options, query); !taken)
    return std::unexpected(std::move(taken).error());
  return options;
}

}  // namespace carillon
