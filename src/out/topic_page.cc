#include "out/topic_page.h"

#include <fmt/format.h>

#include "base/text.h"
#include "wire/feed.h"
#include "wire/target.h"

namespace carillon {

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  append_xml_text(out, text);
  return out;
}

std::string topic_words(const std::vector<TopicPattern>& topics) {
  std::string out;
  for (const TopicPattern& topic : topics) out += (out.empty() ? "" : ", ") + topic.text();
  return out;
}

}  // namespace

Response topic_html(const std::vector<TopicPattern>& topics, const Page& page,
                    const std::string& origin) {
  const auto name = escaped(topic_words(topics));
  const bool single = topics.size() == 1 && topics.front().is_exact();
  std::string url = origin + (single ? "/t/" + topics.front().text() : "/stream?");
  if (!single) {
    for (const TopicPattern& topic : topics) url += "topic=" + percent_encode(topic.text()) + "&";
    url.pop_back();
  }
  const auto shown_url = escaped(url);
  std::string body = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" "
      "content=\"light dark\">\n"
      "<title>{0}</title>\n</head>\n<body>\n<h1>{0}</h1>\n"
      "<p>Follow it live:</p>\n<pre>curl -N -H 'Accept: text/event-stream' '{1}'</pre>\n",
      name, shown_url);
  if (single)
    body += fmt::format("<p>Publish to it:</p>\n<pre>curl -d 'hello' '{}'</pre>\n", shown_url);
  body += fmt::format("<h2>The newest {} events</h2>\n<pre>{}</pre>\n</body>\n</html>\n",
                      page.count, escaped(page.events));
  return {.status = 200,
          .fields =
              {{"content-type", "text/html; charset=utf-8"},
               {"cache-control", "no-cache"},
               {"vary", "Accept"},
               {"x-content-type-options", "nosniff"},
               {"content-security-policy",
                "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"}},
          .body = std::move(body)};
}

Response expired_response(const Gap& gap, const Exchange& exchange) {
  std::string next(exchange.target().path);
  next += '?';
  for (const auto& [name, value] : exchange.target().query.options()) {
    if (name == "after" || name == "gap") continue;
    next += percent_encode(name) + "=" + percent_encode(value) + "&";
  }
  next += "after=" + gap.resumed.text() + "&gap=ok";
  const auto members = gap_members(gap) + ",\"continue\":" + json_string(next);
  return problem_response(
      make_problem(
          kCursorExpired,
          fmt::format("what lies behind {} is no longer all there ({})", gap.requested, gap.reason),
          "Follow `continue` to go on with what there is."),
      members);
}

}  // namespace carillon
