#include "out/topic_reads.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/limits.h"
#include "base/text.h"
#include "net/answers.h"
#include "out/admission.h"
#include "out/single_event.h"
#include "out/stream_reader.h"
#include "out/topic_page.h"
#include "wire/accept.h"
#include "wire/websocket_handshake.h"

namespace carillon {

namespace {

// How long an EventSource waits before it comes back; a drain says its own.
constexpr std::chrono::milliseconds kRetry{2'000};

StreamKind sse_kind(const ReadOptions& options) {
  if (options.data == DataAs::base64) return StreamKind::sse_base64;
  return options.cloudevents ? StreamKind::sse_cloudevents : StreamKind::sse;
}

// A topic in a path is literal: patterns belong to /stream.
std::optional<std::vector<TopicPattern>> topic_in_path(Exchange& exchange,
                                                       const std::string& topic) {
  if (auto checked = check_topic(topic); !checked) {
    exchange.respond(option_error_response(
        {.bad_cursor = false, .bad_topic = true, .detail = checked.error().detail}));
    return std::nullopt;
  }
  return std::vector<TopicPattern>{*TopicPattern::parse(topic)};
}

std::string waiting_description(const ReadOptions& options) {
  std::string out = R"("protocol":"long-poll","topics":[)";
  for (size_t i = 0; i < options.topics.size(); ++i) {
    if (i > 0) out += ',';
    append_json_string(out, options.topics[i].text());
  }
  return out + R"(],"lag":0,"state":"waiting")";
}

std::vector<HeaderField> stream_fields(StreamForm form) {
  return {{"content-type", std::string(content_type_of(form))},
          {"cache-control", "no-store"},
          {"x-accel-buffering", "no"},
          {"vary", "Accept"},
          {"x-content-type-options", "nosniff"}};
}

}  // namespace

TopicReads::TopicReads(FanOut& fan_out, const Access& access, const Config& config,
                       Sockets& sockets)
    : fan_out_(fan_out),
      hub_(fan_out.hub()),
      access_(access),
      config_(config),
      sockets_(sockets),
      memory_patterns_(config.memory_patterns()) {}

void TopicReads::add_routes(Router& router) {
  const auto get = [&](std::string path, auto handler) {
    router.add({"GET", std::move(path), RouteRight::subscribe, std::move(handler)});
  };
  get("/t/{topic}", [this](ExchangePtr e, const PathValues& v) { get_topic(std::move(e), v[0]); });
  get("/t/{topic}/tail",
      [this](ExchangePtr e, const PathValues& v) { get_tail(std::move(e), v[0]); });
  get("/t/{topic}/latest",
      [this](ExchangePtr e, const PathValues& v) { get_latest(std::move(e), v[0]); });
  get("/t/{topic}/events/{cursor}",
      [this](ExchangePtr e, const PathValues& v) { get_event(std::move(e), v[0], v[1]); });
  get("/t/{topic}/feed.atom",
      [this](ExchangePtr e, const PathValues& v) { get_feed(std::move(e), v[0], true); });
  get("/t/{topic}/feed.json",
      [this](ExchangePtr e, const PathValues& v) { get_feed(std::move(e), v[0], false); });
  get("/stream", [this](ExchangePtr e, const PathValues&) { get_stream(std::move(e)); });
}

void TopicReads::get_topic(ExchangePtr exchange, const std::string& topic) {
  auto topics = topic_in_path(*exchange, topic);
  if (!topics) return;
  if (asks_for_websocket(exchange->head()))
    return sockets_.open(std::move(exchange), std::move(*topics), topic);
  auto options = admit_read(*exchange, access_, std::move(*topics));
  if (options) answer_by_accept(std::move(exchange), std::move(*options));
}

void TopicReads::get_stream(ExchangePtr exchange) {
  auto topics = parse_topic_options(exchange->target().query);
  if (!topics) return exchange->respond(option_error_response(topics.error()));
  if (asks_for_websocket(exchange->head()))
    return sockets_.open(std::move(exchange), std::move(*topics), {});
  auto options = admit_read(*exchange, access_, std::move(*topics));
  if (options) answer_by_accept(std::move(exchange), std::move(*options));
}

void TopicReads::answer_by_accept(ExchangePtr exchange, ReadOptions options) {
  constexpr std::array<std::string_view, 3> kOffers = {"application/json", "text/event-stream",
                                                       "text/html"};
  const auto chosen = choose_media_type(exchange->head().field("accept"), kOffers);
  if (!chosen) {
    return exchange->respond(problem_response(make_problem(
        kNotAcceptable, "none of the accepted types is offered here",
        fmt::format("Accept one of: {}, {}, {}.", kOffers[0], kOffers[1], kOffers[2]))));
  }
  switch (*chosen) {
    case 1: {
      const auto kind = sse_kind(options);
      return start_stream(std::move(exchange), std::move(options), kind);
    }
    case 2: return answer_html(exchange, std::move(options));
    default: return answer_page(std::move(exchange), std::move(options));
  }
}

void TopicReads::get_tail(ExchangePtr exchange, const std::string& topic) {
  constexpr std::array<std::string_view, 2> kOffers = {"application/x-ndjson", "text/plain"};
  auto topics = topic_in_path(*exchange, topic);
  if (!topics) return;
  auto options = admit_read(*exchange, access_, std::move(*topics));
  if (!options) return;
  const auto chosen = choose_media_type(exchange->head().field("accept"), kOffers);
  if (!chosen) {
    return exchange->respond(problem_response(
        make_problem(kNotAcceptable, "none of the accepted types is offered here",
                     fmt::format("Accept one of: {}, {}.", kOffers[0], kOffers[1]))));
  }
  const auto lines =
      options->data == DataAs::base64 ? StreamKind::json_lines_base64 : StreamKind::json_lines;
  start_stream(std::move(exchange), std::move(*options),
               *chosen == 1 ? StreamKind::raw_lines : lines);
}

void TopicReads::start_stream(ExchangePtr exchange, ReadOptions options, StreamKind kind) {
  Exchange& waiting = *exchange;
  waiting.when_due(
      [this, exchange = std::move(exchange), options = std::move(options), kind]() mutable {
        find_start(hub_, options, memory_patterns_,
                   [this, exchange = std::move(exchange), options, kind](Result<ReadStart> start) {
                     if (!start) return exchange->respond(log_error_response(start.error()));
                     begin_stream(*exchange, options, kind, std::move(*start));
                   });
      });
}

void TopicReads::begin_stream(Exchange& exchange, const ReadOptions& options, StreamKind kind,
                              ReadStart start) {
  const StreamForm form{
      .kind = kind,
      .framing = exchange.head().minor >= 1 ? StreamFraming::chunked : StreamFraming::plain};
  if (!start.gaps.empty() && kind == StreamKind::raw_lines && !options.gap_ok) {
    // Raw lines have no word for it, so the reader must say that it does not mind.
    const PageRequest request{.options = options, .selection = {}, .memory_patterns = {}};
    return give_page(exchange, request,
                     Page{.events = {},
                          .count = 0,
                          .cursor = start.after,
                          .looked = start.after,
                          .at_end = false,
                          .gaps = std::move(start.gaps)});
  }
  std::string block;
  append_retry_frame(block, form, kRetry);
  append_cursor_frame(block, form, {hub_.epoch(), start.after});
  for (const Gap& gap : start.gaps) append_gap_frame(block, form, gap.resumed, gap_json(gap));
  auto reader = std::make_unique<StreamReader>(
      fan_out_, StreamReader::Start{
                    .key = {options.topics, options.filter, form, options.rate, options.conflate},
                    .after = start.after,
                    .told_marks = start.told_marks,
                    .gap_ok = options.gap_ok});
  StreamReader& begun = *reader;
  Response head{.status = 200, .fields = stream_fields(form), .body = {}};
  if (StreamHandle* handle =
          exchange.start_stream(std::move(head), std::move(block), std::move(reader)))
    begun.begin(*handle);
}

std::shared_ptr<PageRequest> TopicReads::page_request(ReadOptions options) {
  auto selection = hub_.log().select(options.topics);
  return std::make_shared<PageRequest>(
      PageRequest{std::move(options), std::move(selection), memory_patterns_});
}

void TopicReads::answer_page(ExchangePtr exchange, ReadOptions options) {
  const auto request = page_request(std::move(options));
  Log& log = hub_.log();
  hub_.off_loop([&log, request] { return read_page(log, *request); },
                [this, exchange = std::move(exchange), request](Result<Page> page) {
                  const bool waits = page && page->count == 0 && page->at_end &&
                                     page->gaps.empty() && request->options.wait &&
                                     request->options.wait->count() > 0;
                  if (waits) return wait_for_page(exchange, request, *page);
                  give_page(*exchange, *request, std::move(page));
                });
}

void TopicReads::wait_for_page(const ExchangePtr& exchange,
                               std::shared_ptr<const PageRequest> request, const Page& empty) {
  exchange->describe_as(waiting_description(request->options));
  const auto deadline = fan_out_.loop().now() + *request->options.wait;
  auto poll =
      std::make_shared<LongPoll>(fan_out_, request, LongPoll::From{empty.looked, empty.told_marks},
                                 deadline, [this, exchange, request](Result<Page> page) {
                                   give_page(*exchange, *request, std::move(page));
                                 });
  exchange->on_gone([weak = std::weak_ptr(poll)] {
    if (const auto waiting = weak.lock()) waiting->cancel();
  });
  poll->begin();
}

void TopicReads::give_page(Exchange& exchange, const PageRequest& request, Result<Page> page) {
  if (!page) return exchange.respond(log_error_response(page.error()));
  if (!page->gaps.empty() && !request.options.gap_ok) {
    return exchange.respond(expired_response(page->gaps.front(), exchange));
  }
  const Cursor cursor{hub_.epoch(), page->cursor};
  Response response{.status = 200,
                    .fields = {{"content-type", "application/json"},
                               {"cache-control", "no-cache"},
                               {"carillon-cursor", cursor.text()},
                               {"vary", "Accept"},
                               {"x-content-type-options", "nosniff"}},
                    .body = {}};
  if (request.options.wait && page->count == 0 && page->gaps.empty()) {
    response.status = 204;
    response.fields.erase(response.fields.begin());  // of a body that is none
    response.fields.front() = {"cache-control", "no-store"};
    return exchange.respond(std::move(response));
  }
  // Weak: over the options and the place, not the bytes (RFC 9110 section 8.8.1).
  const auto tag = page_tag(exchange.head().target, cursor, page->count);
  response.fields.push_back({"etag", tag});
  if (none_match(exchange.head().field("if-none-match"), tag)) {
    response.status = 304;
    return exchange.respond(std::move(response));
  }
  response.body = page_json(*page, hub_.epoch());
  exchange.respond(std::move(response));
}

void TopicReads::answer_html(const ExchangePtr& exchange, ReadOptions options) {
  options.limit = std::min<size_t>(options.limit, 20);  // a glance; the JSON page has them all
  const auto request = page_request(std::move(options));
  Log& log = hub_.log();
  hub_.off_loop(
      [&log, request] { return read_page(log, *request); },
      [this, exchange, request](Result<Page> page) {
        if (!page) return exchange->respond(log_error_response(page.error()));
        exchange->respond(topic_html(request->options.topics, *page, origin_of(*exchange)));
      });
}

void TopicReads::get_latest(ExchangePtr exchange, const std::string& topic) {
  auto topics = topic_in_path(*exchange, topic);
  if (!topics) return;
  const auto options = admit_read(*exchange, access_, std::move(*topics));
  if (!options) return;
  Log& log = hub_.log();
  hub_.off_loop(
      [&log, topic, options = *options] { return latest_event(log, topic, options); },
      [exchange = std::move(exchange)](Result<Response> response) {
        exchange->respond(response ? std::move(*response) : log_error_response(response.error()));
      });
}

void TopicReads::get_event(ExchangePtr exchange, const std::string& topic,
                           const std::string& cursor) {
  auto topics = topic_in_path(*exchange, topic);
  if (!topics) return;
  const auto options = admit_read(*exchange, access_, std::move(*topics));
  if (!options) return;
  const auto parsed = Cursor::parse(cursor);
  if (!parsed) {
    return exchange->respond(
        option_error_response({.bad_cursor = true,
                               .bad_topic = false,
                               .detail = fmt::format("'{}' is no cursor", cursor)}));
  }
  Log& log = hub_.log();
  hub_.off_loop(
      [&log, topic, at = *parsed, options = *options] { return event_at(log, topic, at, options); },
      [exchange = std::move(exchange)](Result<Response> response) {
        exchange->respond(response ? std::move(*response) : log_error_response(response.error()));
      });
}

void TopicReads::get_feed(ExchangePtr exchange, const std::string& topic, bool atom) {
  auto topics = topic_in_path(*exchange, topic);
  if (!topics) return;
  auto options = admit_read(*exchange, access_, std::move(*topics));
  if (!options) return;
  Log& log = hub_.log();
  FeedRequest request{.atom = atom,
                      .origin = origin_of(*exchange),
                      .target = std::string(exchange->head().target),
                      .tag_wanted = std::string(exchange->head().field("if-none-match"))};
  hub_.off_loop(
      [&log, topic, filter = options->filter, request = std::move(request)] {
        return topic_feed(log, topic, filter, request);
      },
      [exchange = std::move(exchange)](Result<Response> response) {
        exchange->respond(response ? std::move(*response) : log_error_response(response.error()));
      });
}

std::string TopicReads::origin_of(const Exchange& exchange) const {
  if (!config_.public_url.empty()) return config_.public_url;
  return fmt::format("http://{}", exchange.head().field("host"));
}

}  // namespace carillon
