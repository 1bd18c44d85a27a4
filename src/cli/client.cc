#include "cli/client.h"

#include <boost/json.hpp>
#include <chrono>
#include <iostream>
#include <iterator>
#include <thread>

#include "base/text.h"
#include "cli/command_line.h"
#include "cli/curl_request.h"
#include "event/topic.h"
#include "wire/cloudevents_binary.h"
#include "wire/sse_parser.h"
#include "wire/target.h"

namespace carillon {

namespace {

// Between two tries of a tail whose hub is gone, unless the hub says otherwise.
constexpr std::chrono::milliseconds kRetryDefault{1'000};

int complain(std::string_view text) {
  std::cerr << "carillon: " << text << "\n";
  return kExitFailure;
}

// A problem+json as a person reads it.
int complain_of(const CurlResponse& response) {
  boost::system::error_code error;
  const auto value = boost::json::parse(response.body, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto member = [&](std::string_view name) {
    const auto* found = object == nullptr ? nullptr : object->if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
  };
  if (member("detail").empty())
    return complain("the hub answered " + std::to_string(response.status));
  return complain(member("detail") + " (" + std::to_string(response.status) + ")\n  " +
                  member("fix"));
}

void add_header(CurlRequest& request, std::string_view name, const std::string& value) {
  if (!value.empty()) request.headers.push_back(std::string(name) + ": " + value);
}

CurlRequest request_to(const ClientOptions& client, std::string path) {
  const size_t slash = client.server.ends_with('/') ? 1 : 0;
  CurlRequest request{.url =
                          client.server.substr(0, client.server.size() - slash) + std::move(path)};
  if (!client.token.empty()) request.headers.push_back("Authorization: Bearer " + client.token);
  return request;
}

// Prints the events of an SSE stream and remembers the last id.
class TailPrinter {
 public:
  explicit TailPrinter(const TailOptions& options) : options_(options) {}

  // False: nothing more is to be printed; `failure` then says why, if that is not as asked for.
  bool take(std::string_view bytes) {
    std::vector<SseEvent> events;
    if (!parser_.feed(bytes, events)) return fail_with("the hub sent an event that is too long");
    for (const SseEvent& event : events) {
      if (!event.last_event_id.empty()) last_id_ = event.last_event_id;
      if (event.type == "carillon.cursor" || event.type == "carillon.bye") continue;
      if (event.type == "carillon.gap") {
        std::cerr << "carillon: gap " << event.data << "\n";
        continue;
      }
      std::cout << event.data << "\n" << std::flush;
      if (!std::cout) return fail_with("the output cannot be written any more");
      if (options_.count != 0 && ++printed_ == options_.count) return false;
    }
    return true;
  }

  void reconnect() { parser_ = SseParser(); }
  const std::string& failure() const { return failure_; }
  const std::string& last_id() const { return last_id_; }
  std::chrono::milliseconds retry() const { return parser_.retry().value_or(kRetryDefault); }

 private:
  bool fail_with(std::string_view why) {
    failure_ = why;
    return false;
  }

  const TailOptions& options_;
  SseParser parser_;
  std::string last_id_;
  std::string failure_;
  uint64_t printed_ = 0;
};

}  // namespace

int run_publish(const ClientOptions& client, const PublishOptions& options) {
  auto request = request_to(client, "/t/" + percent_encode(options.topic));
  request.method = "POST";
  request.body = options.data;
  if (options.data.empty() || options.data == "-") {
    request.body.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  add_header(request, "Content-Type",
             options.content_type.empty() ? std::string("text/plain") : options.content_type);
  add_header(request, "ce-type", encode_ce_value(options.type));
  add_header(request, "ce-subject", encode_ce_value(options.subject));
  add_header(request, "ce-key", encode_ce_value(options.key));
  add_header(request, "Idempotency-Key", options.idempotency_key);
  const auto response = perform(request);
  if (!response) return complain(response.error().detail);
  if (response->status / 100 != 2) return complain_of(*response);
  std::cout << response->body;
  return kExitOk;
}

int run_tail(const ClientOptions& client, const TailOptions& options) {
  if (const auto pattern = TopicPattern::parse(options.pattern); !pattern)
    return complain(pattern.error().detail);
  std::string path = "/stream?topic=" + percent_encode(options.pattern);
  if (!options.after.empty()) path += "&after=" + percent_encode(options.after);
  if (!options.type.empty()) path += "&type=" + percent_encode(options.type);
  if (options.json) path += "&as=cloudevents";
  TailPrinter printer(options);
  for (;;) {
    auto request = request_to(client, path);
    request.headers.push_back("Accept: text/event-stream");
    add_header(request, "Last-Event-ID", printer.last_id());
    bool enough = false;
    request.on_bytes = [&](std::string_view bytes) { return !(enough = !printer.take(bytes)); };
    const auto response = perform(request);
    if (enough) return printer.failure().empty() ? kExitOk : complain(printer.failure());
    if (!response && printer.last_id().empty()) return complain(response.error().detail);
    if (response && response->status != 200) return complain_of(*response);
    // What a process does that has nothing else to do until the hub is back.
    std::this_thread::sleep_for(printer.retry());
    printer.reconnect();
  }
}

int run_topics(const ClientOptions& client, const std::string& pattern) {
  std::string page;
  for (;;) {
    const auto response =
        perform(request_to(client, "/v1/topics?limit=1000&pattern=" + percent_encode(pattern) +
                                       (page.empty() ? "" : "&page=" + percent_encode(page))));
    if (!response) return complain(response.error().detail);
    if (response->status != 200) return complain_of(*response);
    boost::system::error_code error;
    const auto value = boost::json::parse(response->body, error);
    if (error || !value.is_object()) return complain("the hub's answer is no JSON");
    for (const auto& item : value.at("items").as_array()) {
      const auto& topic = item.as_object();
      std::cout << std::string_view(topic.at("topic").as_string()) << "  " << topic.at("events")
                << " events  " << topic.at("bytes") << " bytes  "
                << std::string_view(topic.at("durability").as_string()) << "\n";
    }
    if (!value.at("next").is_string()) return kExitOk;
    page = std::string(value.at("next").as_string());
  }
}

}  // namespace carillon
