// One request on an HTTP/1.1 connection and its place in the order of answers.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/exchange.h"

namespace carillon {

class Http1Connection;

// Shared by its connection and whoever answers; `connection_` is null once the connection is gone.
class Http1Exchange : public Exchange {
 public:
  Http1Exchange(Http1Connection& connection, RequestHead head, Target target,
                RequestFraming framing);

  const RequestHead& head() const override { return head_; }
  const Target& target() const override { return target_; }
  Loop& loop() override { return loop_; }
  std::string peer() const override { return peer_; }
  bool peer_is_loopback() const override { return loopback_; }
  bool has_body() const override { return framing_.body != RequestFraming::Body::none; }
  void read_body(size_t bytes_max, std::move_only_function<void(std::string)> done) override;
  void stream_body(std::unique_ptr<BodySink> sink) override;
  void resume_body() override;
  void add_fields(std::vector<HeaderField> fields) override { fields_ = std::move(fields); }
  void describe_as(std::string members) override { description_ = std::move(members); }
  void respond(Response response) override;
  StreamHandle* start_stream(Response head, std::string start,
                             std::unique_ptr<StreamOwner> owner) override;
  void hold_for_upgrade() override { upgrading_ = true; }
  StreamHandle* start_duplex(Response head, std::unique_ptr<DuplexOwner> owner) override;
  void when_due(std::move_only_function<void()> task) override;
  void on_gone(std::move_only_function<void()> task) override { gone_ = std::move(task); }

  const RequestFraming& framing() const { return framing_; }
  bool upgrading() const { return upgrading_; }
  // It waits for something to happen, and is to be told when the client goes.
  bool only_waits() const { return gone_ != nullptr && !answered(); }
  bool wants_body() const { return whole_done_ != nullptr || sink_ != nullptr; }

  // The connection's side.
  // False: wait with the next piece.
  bool take_body(std::string_view bytes);
  bool body_too_large(uint64_t more) const {
    return whole_done_ != nullptr && body_.size() + more > body_bytes_max_;
  }
  uint64_t body_bytes_max() const { return body_bytes_max_; }
  // Nothing is done with the body before all of it is here.
  bool gathers() const { return whole_done_ != nullptr; }
  void end_body();
  // The body broke: its taker hears that the client is gone, the answer is the connection's.
  void abandon_body();
  void connection_gone();
  const std::string& description() const { return description_; }
  bool answered() const { return response_.has_value(); }
  const Response& response() const { return *response_; }
  // The answers before this one have left: a waiting task runs.
  void become_due();
  void set_close() { framing_.keep_alive = false; }

 private:
  void forget_body();
  void add_to(std::vector<HeaderField>& fields);

  Http1Connection* connection_;
  Loop& loop_;
  RequestHead head_;
  Target target_;
  RequestFraming framing_;
  std::string peer_;
  bool loopback_;
  bool due_ = false;
  bool upgrading_ = false;
  std::vector<HeaderField> fields_;
  std::string description_;
  std::string body_;
  size_t body_bytes_max_ = 0;
  std::move_only_function<void(std::string)> whole_done_;
  std::unique_ptr<BodySink> sink_;
  std::optional<Response> response_;
  std::move_only_function<void()> due_task_;
  std::move_only_function<void()> gone_;
};

}  // namespace carillon
