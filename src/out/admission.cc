#include "out/admission.h"

#include <fmt/format.h>

#include <utility>

#include "net/answers.h"

namespace carillon {

namespace {

bool permit(Exchange& exchange, const Access& access, const std::vector<TopicPattern>& topics) {
  const auto rights =
      access.rights_for(exchange.head().field("authorization"), exchange.peer_is_loopback());
  if (!rights) {
    exchange.respond(unauthorized(true));
    return false;
  }
  for (const TopicPattern& topic : topics) {
    if (rights->may_subscribe(topic)) continue;
    exchange.respond(rights->anonymous ? unauthorized(false)
                                       : forbidden(fmt::format("subscribe to {}", topic.text())));
    return false;
  }
  return true;
}

}  // namespace

Problem option_problem(const OptionError& error) {
  const ProblemKind& kind = error.bad_cursor  ? kBadCursor
                            : error.bad_topic ? kBadTopic
                                              : kBadRequest;
  const std::string fix = error.bad_cursor
                              ? "Give back a cursor as you got it, or leave `after` out."
                          : error.bad_topic ? "Use dot-separated segments of A-Z, a-z, 0-9, _ and "
                                              "-; in a pattern a segment may be * and the last **."
                                            : "Correct the option; the README lists them.";
  return make_problem(kind, error.detail, fix);
}

Response option_error_response(const OptionError& error) {
  return problem_response(option_problem(error));
}

std::optional<ReadOptions> admit_read(Exchange& exchange, const Access& access,
                                      std::vector<TopicPattern> topics) {
  if (!permit(exchange, access, topics)) return std::nullopt;
  auto options = parse_read_options(exchange.target().query, exchange.head().field("last-event-id"),
                                    std::move(topics));
  if (options) return std::move(*options);
  exchange.respond(option_error_response(options.error()));
  return std::nullopt;
}

}  // namespace carillon
