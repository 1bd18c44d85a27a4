#include "testing/fake_exchange.h"

#include <iterator>
#include <utility>

#include "base/check.h"

namespace carillon {

FakeExchange::FakeExchange(Loop& loop, std::string method, std::string target,
                           std::vector<HeaderField> fields)
    : loop_(loop),
      head_{.method = std::move(method), .target = std::move(target), .fields = std::move(fields)} {
  auto parsed = parse_target(head_.target);
  CHECK(parsed.has_value());
  target_ = std::move(*parsed);
}

const Response& FakeExchange::response() const {
  CHECK(response_.has_value());
  return *response_;
}

std::string FakeExchange::field(std::string_view name) const {
  for (const HeaderField& field : response().fields) {
    if (field.name == name) return field.value;
  }
  return {};
}

std::string FakeExchange::streamed() const {
  return stream_ == nullptr ? std::string() : start_ + stream_->received();
}

void FakeExchange::become_due() {
  due_ = true;
  if (due_task_ != nullptr) std::exchange(due_task_, nullptr)();
}

void FakeExchange::lose_client() {
  gone_ = true;
  due_task_ = nullptr;
  if (const auto sink = std::move(sink_)) sink->on_body_gone();
  if (gone_task_ != nullptr) std::exchange(gone_task_, nullptr)();
  if (stream_ != nullptr) stream_->lose_peer();
}

void FakeExchange::read_body(size_t bytes_max, std::move_only_function<void(std::string)> done) {
  if (body_->size() <= bytes_max) return done(*body_);
  respond(problem_response(make_problem(kPayloadTooLarge, "the body is too large", "Send less.")));
}

void FakeExchange::stream_body(std::unique_ptr<BodySink> sink) {
  sink_ = std::move(sink);
  sink_->on_body(*body_);
  if (const auto whole = std::move(sink_)) whole->on_body_end();
}

void FakeExchange::add_fields(std::vector<HeaderField> fields) {
  added_.insert(added_.end(), std::make_move_iterator(fields.begin()),
                std::make_move_iterator(fields.end()));
}

void FakeExchange::respond(Response response) {
  if (gone_) return;
  ++answers_;
  if (response_.has_value()) return;
  response_ = std::move(response);
  response_->fields.insert(response_->fields.end(), added_.begin(), added_.end());
  gone_task_ = nullptr;
}

StreamHandle* FakeExchange::start_stream(Response head, std::string start,
                                         std::unique_ptr<StreamOwner> owner) {
  if (gone_) return nullptr;
  ++answers_;
  response_ = std::move(head);
  response_->fields.insert(response_->fields.end(), added_.begin(), added_.end());
  gone_task_ = nullptr;
  if (head_.method == "HEAD") return nullptr;
  start_ = std::move(start);
  stream_ = std::make_unique<FakeStreamHandle>(loop_);
  stream_->own(std::move(owner));
  return stream_.get();
}

StreamHandle* FakeExchange::start_duplex(Response head, std::unique_ptr<DuplexOwner> owner) {
  return start_stream(std::move(head), {}, std::move(owner));
}

void FakeExchange::when_due(std::move_only_function<void()> task) {
  if (gone_) return;
  if (due_) return task();
  due_task_ = std::move(task);
}

}  // namespace carillon
