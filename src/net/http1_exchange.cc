#include "net/http1_exchange.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "net/http1_connection.h"

namespace carillon {

Http1Exchange::Http1Exchange(Http1Connection& connection, RequestHead head, Target target,
                             RequestFraming framing)
    : connection_(&connection),
      loop_(connection.loop()),
      head_(std::move(head)),
      target_(std::move(target)),
      framing_(framing),
      peer_(connection.peer()),
      loopback_(connection.loopback()) {}

void Http1Exchange::read_body(size_t bytes_max, std::move_only_function<void(std::string)> done) {
  body_bytes_max_ = bytes_max;
  whole_done_ = std::move(done);
}

void Http1Exchange::stream_body(std::unique_ptr<BodySink> sink) { sink_ = std::move(sink); }

void Http1Exchange::resume_body() {
  if (connection_ != nullptr) connection_->resume_reading();
}

bool Http1Exchange::take_body(std::string_view bytes) {
  if (sink_ != nullptr) return sink_->on_body(bytes);
  body_ += bytes;
  return true;
}

void Http1Exchange::end_body() {
  if (sink_ != nullptr) {
    const auto sink = std::move(sink_);
    sink->on_body_end();
  } else if (whole_done_ != nullptr) {
    auto done = std::move(whole_done_);
    whole_done_ = nullptr;
    connection_->give_room_back(body_.size());
    done(std::exchange(body_, {}));
  }
}

void Http1Exchange::forget_body() {
  if (connection_ != nullptr) connection_->give_room_back(std::exchange(body_, {}).size());
}

void Http1Exchange::abandon_body() {
  whole_done_ = nullptr;
  forget_body();
  if (sink_ == nullptr) return;
  const auto sink = std::move(sink_);
  sink->on_body_gone();
}

void Http1Exchange::connection_gone() {
  forget_body();
  connection_ = nullptr;
  abandon_body();
  due_task_ = nullptr;
  if (gone_ != nullptr) {
    auto task = std::move(gone_);
    gone_ = nullptr;
    task();
  }
}

// `Vary` is one list, whoever adds to it.
void Http1Exchange::add_to(std::vector<HeaderField>& fields) {
  for (HeaderField& field : fields_) {
    const auto same = [&](const HeaderField& other) {
      return other.name == "vary" && field.name == "vary";
    };
    const auto found = std::ranges::find_if(fields, same);
    if (found == fields.end()) {
      fields.push_back(std::move(field));
    } else {
      found->value += ", " + field.value;
    }
  }
  fields_.clear();
}

void Http1Exchange::respond(Response response) {
  if (connection_ == nullptr || response_.has_value()) return;
  response_ = std::move(response);
  add_to(response_->fields);
  abandon_body();
  gone_ = nullptr;
  connection_->stop_body_of(*this);
  if (upgrading_) connection_->upgrade_refused();
  connection_->answer_ready();
}

StreamHandle* Http1Exchange::start_stream(Response head, std::string start,
                                          std::unique_ptr<StreamOwner> owner) {
  if (connection_ == nullptr) return nullptr;
  if (head_.method == "HEAD") {
    head.endless = true;
    respond(std::move(head));
    return nullptr;
  }
  gone_ = nullptr;
  add_to(head.fields);
  return connection_->start_stream(*this, std::move(head), std::move(start), std::move(owner));
}

StreamHandle* Http1Exchange::start_duplex(Response head, std::unique_ptr<DuplexOwner> owner) {
  if (connection_ == nullptr) return nullptr;
  gone_ = nullptr;
  add_to(head.fields);
  return connection_->start_duplex(*this, std::move(head), std::move(owner));
}

void Http1Exchange::when_due(std::move_only_function<void()> task) {
  if (connection_ == nullptr) return;
  if (due_) return task();
  due_task_ = std::move(task);
}

void Http1Exchange::become_due() {
  if (due_) return;
  due_ = true;
  if (due_task_ == nullptr) return;
  auto task = std::move(due_task_);
  due_task_ = nullptr;
  task();
}

}  // namespace carillon
