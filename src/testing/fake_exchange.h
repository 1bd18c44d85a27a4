// One request without a connection, for tests of doors: what it is answered with is kept.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/exchange.h"
#include "net/router.h"
#include "testing/fake_transport.h"

namespace carillon {

// Refuses nothing: for tests that are not about the gate.
class OpenGate : public RequestGate {
 public:
  std::optional<Response> refuse(const Exchange&, RouteRight) const override { return {}; }
  std::vector<HeaderField> answer_fields(const Exchange&) const override { return {}; }
  Response preflight(const Exchange&, const std::string&) const override { return {}; }
};

// Due at once and from loopback unless the test says otherwise. Answers at most once; a second
// answer is ignored, as a connection does, but counted.
class FakeExchange : public Exchange {
 public:
  // `target` as in a request line. Must be one that parse_target takes.
  FakeExchange(Loop& loop, std::string method, std::string target,
               std::vector<HeaderField> fields = {});

  void set_http_minor(int minor) { head_.minor = minor; }
  void set_loopback(bool loopback) { loopback_ = loopback; }
  // The answers before this one have not left yet, until become_due().
  void hold() { due_ = false; }
  void become_due();
  // The client goes away before the answer.
  void lose_client();
  void set_body(std::string body) { body_ = std::move(body); }

  bool answered() const { return response_.has_value(); }
  const Response& response() const;
  int answers() const { return answers_; }
  // "" when the answer has no such field.
  std::string field(std::string_view name) const;
  const std::string& description() const { return description_; }
  // Null until a stream was begun.
  FakeStreamHandle* stream() { return stream_.get(); }
  // The stream's start block and all that was sent behind it.
  std::string streamed() const;

  // Exchange
  const RequestHead& head() const override { return head_; }
  const Target& target() const override { return target_; }
  Loop& loop() override { return loop_; }
  std::string peer() const override { return "127.0.0.1"; }
  bool peer_is_loopback() const override { return loopback_; }
  bool has_body() const override { return body_.has_value(); }
  void read_body(size_t bytes_max, std::move_only_function<void(std::string)> done) override;
  void stream_body(std::unique_ptr<BodySink> sink) override;
  void resume_body() override {}
  void add_fields(std::vector<HeaderField> fields) override;
  void describe_as(std::string members) override { description_ = std::move(members); }
  void respond(Response response) override;
  StreamHandle* start_stream(Response head, std::string start,
                             std::unique_ptr<StreamOwner> owner) override;
  void hold_for_upgrade() override {}
  StreamHandle* start_duplex(Response head, std::unique_ptr<DuplexOwner> owner) override;
  void when_due(std::move_only_function<void()> task) override;
  void on_gone(std::move_only_function<void()> task) override { gone_task_ = std::move(task); }

 private:
  Loop& loop_;
  RequestHead head_;
  Target target_;
  bool loopback_ = true;
  bool due_ = true;
  bool gone_ = false;
  int answers_ = 0;
  std::optional<std::string> body_;
  std::optional<Response> response_;
  std::vector<HeaderField> added_;
  std::string description_;
  std::string start_;
  std::unique_ptr<FakeStreamHandle> stream_;
  std::unique_ptr<BodySink> sink_;
  std::move_only_function<void()> due_task_;
  std::move_only_function<void()> gone_task_;
};

}  // namespace carillon
