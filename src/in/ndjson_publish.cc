#include "in/ndjson_publish.h"

#include <fmt/format.h>

#include <optional>

#include "base/limits.h"
#include "base/text.h"
#include "in/publish_answers.h"
#include "in/publish_builder.h"
#include "wire/json_check.h"

namespace carillon {

namespace {

// One batch of lines: a fraction of a frame, so that other publishers share it.
constexpr size_t kBatchLinesMax = 1'000;
constexpr size_t kBatchLineBytesMax = 1 * kMiB;
// A structured line carries its attributes, and base64 of its data.
constexpr size_t kLineBytesMax = 2 * kEventBytesMax;

}  // namespace

struct NdjsonPublish::State : std::enable_shared_from_this<State> {
  State(std::shared_ptr<Exchange> asked, LocalHub& at, Options wanted)
      : exchange(std::move(asked)), hub(at), options(std::move(wanted)) {
    builder.emplace(options.topic, options.clock, options.random);
  }

  void take(std::string_view bytes);
  void take_lines();
  Result<> take_line(std::string_view line);
  Result<GivenEvent> parse(std::string_view line) const;
  void hand_over();
  void settle(Result<Appended> result);
  void finish();

  std::shared_ptr<Exchange> exchange;
  LocalHub& hub;
  Options options;
  std::optional<PublishBuilder> builder;
  std::string input;  // not yet taken
  size_t batch_bytes = 0;
  size_t line_number = 0;
  bool syncing = false;
  bool ended = false;  // the body's end was read
  bool gone = false;
  bool answered = false;
  std::optional<Error> error;
  Appended total;
};

void NdjsonPublish::start(const std::shared_ptr<Exchange>& exchange, LocalHub& hub,
                          Options options) {
  auto state = std::make_shared<State>(exchange, hub, std::move(options));
  if (!exchange->has_body()) {
    state->ended = true;
    return state->finish();
  }
  std::unique_ptr<NdjsonPublish> sink;
  // tidy: allow new: private constructor
  sink.reset(new NdjsonPublish(std::move(state)));
  exchange->stream_body(std::move(sink));
}

bool NdjsonPublish::on_body(std::string_view bytes) {
  if (state_->error) return true;  // what follows a bad line is dropped
  state_->take(bytes);
  return !state_->syncing;
}

void NdjsonPublish::on_body_end() {
  state_->ended = true;
  state_->take_lines();
}

// Lines that came whole are stored; the client that went away is told nothing.
void NdjsonPublish::on_body_gone() {
  state_->gone = true;
  state_->input.clear();
  if (!state_->syncing) state_->hand_over();
}

void NdjsonPublish::State::take(std::string_view bytes) {
  input += bytes;
  if (!syncing) take_lines();
}

void NdjsonPublish::State::take_lines() {
  if (syncing) return;
  size_t at = 0;
  while (!error && !syncing) {
    const size_t end = input.find('\n', at);
    if (end == std::string::npos) break;
    if (auto taken = take_line(std::string_view(input).substr(at, end - at)); !taken) {
      error = taken.error();
      break;
    }
    at = end + 1;
    if (builder->size() >= kBatchLinesMax || batch_bytes >= kBatchLineBytesMax) hand_over();
  }
  input.erase(0, at);
  if (!error && input.size() > kLineBytesMax) {
    error = Error{Errc::too_large,
                  fmt::format("line {} is longer than {} bytes", line_number + 1, kLineBytesMax)};
  }
  if (error) input.clear();
  if (!syncing && builder->size() > 0) hand_over();
  finish();
}

Result<GivenEvent> NdjsonPublish::State::parse(std::string_view line) const {
  if (options.structured) return parse_structured_event(line);
  TRY(check_json(line));
  GivenEvent given;
  given.event.data = line;
  given.event.data_content_type = "application/json";
  given.event.form = DataForm::json;
  return given;
}

Result<> NdjsonPublish::State::take_line(std::string_view line) {
  ++line_number;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (trim(line).empty()) return {};
  auto given = parse(line);
  Result<> added =
      given ? builder->add(std::move(*given)) : Result<>(std::unexpected(given.error()));
  if (!added) added.error().detail = fmt::format("line {}: {}", line_number, added.error().detail);
  batch_bytes += line.size();
  return added;
}

void NdjsonPublish::State::hand_over() {
  if (builder->size() == 0) return;
  syncing = true;
  batch_bytes = 0;
  auto append = builder->take();
  builder.emplace(options.topic, options.clock, options.random);
  hub.publish(std::move(append), [self = shared_from_this()](Result<Appended> result) {
    self->settle(std::move(result));
  });
}

void NdjsonPublish::State::settle(Result<Appended> result) {
  syncing = false;
  if (!result) {
    error = result.error();
    input.clear();
  } else {
    // Until something is stored now, the answer names where it was stored before.
    if (total.stored == 0 && (result->stored > 0 || total.repeated == 0))
      total.first = result->first;
    if (total.stored == 0 || result->stored > 0) total.last = result->last;
    total.stored += result->stored;
    total.repeated += result->repeated;
  }
  if (gone || answered) return;
  take_lines();
  if (!syncing && !ended) exchange->resume_body();
}

void NdjsonPublish::State::finish() {
  // A bad line is answered at once: the rest may be without end.
  if (syncing || gone || answered || (!ended && !error)) return;
  answered = true;
  if (!error) return exchange->respond(batch_response(total, hub.epoch()));
  auto response = error->code == Errc::bad_input || error->code == Errc::too_large
                      ? bad_event_response(*error)
                      : publish_error_response(*error);
  const auto members = total.stored == 0 ? std::string(R"("stored":0)")
                                         : fmt::format(R"("stored":{},"cursor":"{}")", total.stored,
                                                       Cursor{hub.epoch(), total.last}.text());
  // The problem gains what is stored all the same.
  response.body.insert(response.body.rfind('}'), "," + members);
  exchange->respond(std::move(response));
}

}  // namespace carillon
