#include "net/http1_connection.h"

#include <sys/socket.h>

#include <algorithm>

#include "base/limits.h"
#include "base/text.h"
#include "net/answers.h"
#include "net/http1_exchange.h"
#include "net/http1_text.h"

namespace carillon {

namespace {

// How long a refused peer may still be sending before the connection is cut: an answer that a reset
// overtakes is never read (RFC 9112 section 9.6).
constexpr std::chrono::seconds kLinger{2};

}  // namespace

Http1Connection::Http1Connection(Loop& loop, ConnectionTable& table, HttpService& service,
                                 boost::asio::ip::tcp::socket socket)
    : Connection(loop, table, peer_text(socket), peer_is_loopback(socket)),
      socket_(std::move(socket)),
      descriptor_(socket_.native_handle()),
      service_(service) {
  set_deadline(kHeadTimeout);
}

Http1Connection::~Http1Connection() = default;

void Http1Connection::start() { wait_readable(); }

void Http1Connection::wait_readable() {
  if (reading_waits_ || closed_ || peer_done_) return;
  reading_waits_ = true;
  socket_.async_wait(boost::asio::ip::tcp::socket::wait_read,
                     [self = shared_from_this()](boost::system::error_code error) {
                       self->reading_waits_ = false;
                       if (!error) self->on_readable();
                     });
}

void Http1Connection::on_readable() {
  if (closed_) return;
  auto& scratch = loop_.scratch();
  const ssize_t got = ::recv(descriptor_, scratch.data(), scratch.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    return wait_readable();
  if (got <= 0) {
    peer_done_ = true;
    if (lingering_) return close(end_reason_);
    // A half-closed client may still want its answers; one that owes a body, listens to a stream,
    // or only waits, is gone.
    const auto waits = [](const auto& exchange) { return exchange->only_waits(); };
    const bool owed = (!out_.empty() || !std::ranges::all_of(pending_, waits)) &&
                      reading_ != Reading::body && stream_ == nullptr && got == 0;
    if (!owed) return close(got == 0 ? "client closed" : "client reset");
    reading_ = Reading::stopped;
    close_when_sent_ = pending_.empty();
    return;
  }
  if (reading_ == Reading::stopped) return wait_readable();  // read and forgotten
  std::string_view fresh(scratch.data(), static_cast<size_t>(got));
  // The owner of both sides reads where the bytes lie.
  if (reading_ == Reading::duplex && in_.empty()) take_duplex(fresh);
  in_.append(fresh);
  take_input();
  if (!closed_ && reading_ != Reading::paused) wait_readable();
}

// Understands as much of the input as it can. Not re-entered: an answer given at once comes back
// here by itself.
void Http1Connection::take_input() {
  if (taking_) return;
  taking_ = true;
  std::string_view rest(in_);
  bool more = true;
  while (more && !closed_) {
    switch (reading_) {
      case Reading::head: more = take_head(rest); break;
      case Reading::body: more = take_body(rest); break;
      case Reading::duplex: more = take_duplex(rest); break;
      case Reading::paused: more = false; break;
      case Reading::stopped:
        rest = {};
        more = false;
        break;
    }
  }
  taking_ = false;
  in_.erase(0, in_.size() - rest.size());
  if (in_.empty()) std::string().swap(in_);
}

bool Http1Connection::take_head(std::string_view& rest) {
  if (rest.empty()) return false;
  if (pending_.size() >= kPipelinedMax || out_.size() > kAnswersBytesMax) {
    resumes_as_ = Reading::head;
    reading_ = Reading::paused;
    return false;
  }
  const size_t end = find_head_end(rest, head_searched_);
  if (end == std::string_view::npos && rest.size() <= kHeadBytesMax) {
    if (head_searched_ == 0) set_deadline(kHeadTimeout);
    head_searched_ = rest.size();
    return false;
  }
  head_searched_ = 0;
  if (end == std::string_view::npos || end > kHeadBytesMax) {
    refuse(oversize_head(rest));
    return false;
  }
  auto head = parse_request_head(rest.substr(0, end));
  rest.remove_prefix(end);
  if (!head) {
    refuse(std::move(head).error());
    return false;
  }
  begin_request(std::move(*head));
  return true;
}

void Http1Connection::begin_request(RequestHead head) {
  auto framing = framing_of(head);
  if (!framing) return refuse(std::move(framing).error());
  auto target = parse_target(head.target);
  if (!target)
    return refuse({400, target.error().detail, "Write the path and query in their plain form."});
  ++requests_;
  if (draining_) framing->keep_alive = false;
  auto exchange =
      std::make_shared<Http1Exchange>(*this, std::move(head), std::move(*target), *framing);
  pending_.push_back(exchange);
  set_deadline(kIdleTimeout);
  service_.begin(exchange);
  if (closed_) return;
  // A client's first frames may stand behind its request already.
  if (exchange->upgrading() && !exchange->answered() && reading_ == Reading::head) {
    resumes_as_ = Reading::duplex;
    reading_ = Reading::paused;
  }
  if (!framing->keep_alive && framing->body == RequestFraming::Body::none)
    reading_ = Reading::stopped;
  if (exchange->has_body()) begin_body(*exchange);
  if (pending_.size() == 1 && pending_.front() == exchange) exchange->become_due();
}

void Http1Connection::begin_body(Http1Exchange& exchange) {
  const auto& framing = exchange.framing();
  if (!exchange.wants_body()) {
    // Answered without the body, or never: what follows on this connection cannot be trusted to be
    // a request.
    exchange.set_close();
    reading_ = Reading::stopped;
    return;
  }
  if (framing.body == RequestFraming::Body::length && exchange.body_too_large(framing.length)) {
    exchange.set_close();
    reading_ = Reading::stopped;
    return exchange.respond(body_too_large(exchange.body_bytes_max()));
  }
  continue_owed_ = framing.expect_continue;
  send_continue();
  body_left_ = framing.length;
  body_bytes_ = 0;
  body_began_ = loop_.now();
  if (framing.body == RequestFraming::Body::chunked) chunked_ = std::make_unique<ChunkedDecoder>();
  reading_ = Reading::body;
  if (framing.body == RequestFraming::Body::length && body_left_ == 0) end_body();
}

// Behind the answers to the requests before it.
void Http1Connection::send_continue() {
  if (!continue_owed_ || pending_.size() != 1) return;
  continue_owed_ = false;
  out_ += "HTTP/1.1 100 Continue\r\n\r\n";
  if (!send_pending()) wait_writable();
}

bool Http1Connection::take_body(std::string_view& rest) {
  if (chunked_ != nullptr) return take_chunked(rest);
  if (rest.empty()) return false;
  const auto exchange = pending_.back();
  const auto piece = rest.substr(0, body_left_);
  rest.remove_prefix(piece.size());
  body_left_ -= piece.size();
  body_bytes_ += piece.size();
  if (!take_room(*exchange, piece.size())) return false;
  const bool go_on = exchange->take_body(piece);
  if (closed_ || reading_ == Reading::stopped) return false;
  if (body_left_ == 0) {
    end_body();
    return true;
  }
  if (go_on) return true;
  resumes_as_ = Reading::body;
  reading_ = Reading::paused;
  paused_at_ = loop_.now();
  return false;
}

bool Http1Connection::take_chunked(std::string_view& rest) {
  if (rest.empty()) return false;
  const auto exchange = pending_.back();
  auto step = chunked_->feed(rest);
  if (!step) {
    rest = {};
    refuse(std::move(step).error());
    return false;
  }
  rest.remove_prefix(step->consumed);
  body_bytes_ += step->data.size();
  if (exchange->body_too_large(step->data.size() + chunked_->announced())) {
    exchange->set_close();
    reading_ = Reading::stopped;
    exchange->respond(body_too_large(exchange->body_bytes_max()));
    return false;
  }
  if (!take_room(*exchange, step->data.size())) return false;
  const bool go_on = step->data.empty() || exchange->take_body(step->data);
  if (closed_ || reading_ == Reading::stopped) return false;
  if (chunked_->done()) {
    end_body();
    return true;
  }
  if (go_on) return step->consumed > 0;
  resumes_as_ = Reading::body;
  reading_ = Reading::paused;
  paused_at_ = loop_.now();
  return false;
}

// False: too much is being gathered already, and the request was answered.
bool Http1Connection::take_room(Http1Exchange& exchange, size_t bytes) {
  if (!exchange.gathers() || table_.take_room(bytes)) return true;
  exchange.set_close();
  reading_ = Reading::stopped;
  exchange.respond(log_error_response(
      {Errc::unavailable, "the hub is taking in as many large bodies as its memory is for"}));
  return false;
}

void Http1Connection::end_body() {
  chunked_.reset();
  const auto exchange = pending_.back();
  continue_owed_ = false;
  reading_ = exchange->framing().keep_alive && !draining_ ? Reading::head : Reading::stopped;
  set_deadline(kIdleTimeout);
  exchange->end_body();
}

bool Http1Connection::take_duplex(std::string_view& rest) {
  DuplexOwner* owner = stream_ == nullptr ? nullptr : stream_->duplex();
  if (owner == nullptr || rest.empty()) return false;
  const size_t taken = owner->on_bytes(rest);
  rest.remove_prefix(taken);
  if (closed_ || reading_ != Reading::duplex) return false;
  if (rest.empty()) return false;
  resumes_as_ = Reading::duplex;
  reading_ = Reading::paused;
  return false;
}

void Http1Connection::upgrade_refused() {
  if (reading_ != Reading::paused || resumes_as_ != Reading::duplex) return;
  resumes_as_ = Reading::head;
  // (What is next is looked at when the refusal has left.)
}

void Http1Connection::resume_reading() {
  if (reading_ != Reading::paused || closed_) return;
  reading_ = resumes_as_;
  // The hub's own pause is not the client's slowness.
  if (reading_ == Reading::body) body_began_ += loop_.now() - paused_at_;
  if (reading_ == Reading::head && draining_) reading_ = Reading::stopped;
  take_input();
  if (!closed_ && reading_ != Reading::paused) wait_readable();
}

// Answers what could not be understood, behind the answers before it, and never reads on.
void Http1Connection::refuse(HttpRefusal refusal) {
  chunked_.reset();
  const bool in_body = reading_ == Reading::body;
  reading_ = Reading::stopped;
  if (in_body) {
    // The request whose body is broken gets this as its answer; nothing of it is taken.
    const auto exchange = pending_.back();
    exchange->set_close();
    exchange->abandon_body();
    return exchange->respond(problem_response(make_problem(std::move(refusal))));
  }
  auto exchange =
      std::make_shared<Http1Exchange>(*this, RequestHead{.method = "GET", .target = "/"}, Target{},
                                      RequestFraming{.keep_alive = false});
  pending_.push_back(exchange);
  exchange->respond(problem_response(make_problem(std::move(refusal))));
}

void Http1Connection::stop_body_of(Http1Exchange& exchange) {
  const bool in_body =
      reading_ == Reading::body || (reading_ == Reading::paused && resumes_as_ == Reading::body);
  if (!in_body || pending_.empty() || pending_.back().get() != &exchange) return;
  exchange.set_close();
  chunked_.reset();
  reading_ = Reading::stopped;
  wait_readable();
}

void Http1Connection::answer_ready() {
  if (dirty_ || closed_) return;
  dirty_ = true;
  table_.want_flush(shared_from_this());
}

void Http1Connection::flush() {
  dirty_ = false;
  while (!closed_ && stream_ == nullptr) {
    append_ready_answers();
    if (!send_pending()) return wait_writable();
    look_at_next();
    const bool more = stream_ == nullptr && !pending_.empty() && pending_.front()->answered();
    if (!more) break;
  }
  if (!closed_ && stream_ == nullptr) all_sent();
}

// Nothing is read any more, and no answer stands behind the first that waits.
bool Http1Connection::is_last_answer() const {
  return reading_ == Reading::stopped && pending_.size() == 1;
}

// As many as the client's share of memory takes: the rest waits until it has taken these.
void Http1Connection::append_ready_answers() {
  while (!close_when_sent_ && may_answer_more() && !pending_.empty() &&
         pending_.front()->answered()) {
    const auto exchange = pending_.front();
    if ((draining_ || peer_done_) && is_last_answer()) exchange->set_close();
    if (out_.empty()) write_deadline_ = loop_.now() + kWriteStall;
    append_http1_answer(out_, exchange->response(), exchange->head().method,
                        exchange->framing().keep_alive);
    pending_.erase(pending_.begin());
    set_deadline(kIdleTimeout);
    if (exchange->framing().keep_alive) continue;
    close_when_sent_ = true;
    reading_ = Reading::stopped;
  }
  if (pending_.empty()) std::vector<std::shared_ptr<Http1Exchange>>().swap(pending_);
}

void Http1Connection::look_at_next() {
  if (close_when_sent_ || !may_answer_more()) return;
  if (!pending_.empty()) {
    const auto next = pending_.front();
    next->become_due();
    if (closed_ || stream_ != nullptr) return;
    send_continue();
  } else if (reading_ == Reading::stopped && (draining_ || peer_done_)) {
    close_when_sent_ = true;
  }
  if (reading_ == Reading::paused && resumes_as_ == Reading::head) resume_reading();
}

bool Http1Connection::send_pending() {
  if (out_.empty()) return true;
  const iovec run{out_.data(), out_.size()};
  const auto result = send_run(descriptor_, {&run, 1});
  out_.erase(0, result.bytes);
  if (out_.empty()) std::string().swap(out_);
  if (result.state == WriteState::closed) {
    // Told at the next sweep or read, not from inside a write: the caller may be the stream's
    // owner.
    std::string().swap(out_);
    ::shutdown(descriptor_, SHUT_RDWR);
    return true;
  }
  if (result.bytes > 0) write_deadline_ = loop_.now() + kWriteStall;
  return out_.empty();
}

void Http1Connection::wait_writable() {
  if (writing_waits_ || closed_) return;
  writing_waits_ = true;
  socket_.async_wait(boost::asio::ip::tcp::socket::wait_write,
                     [self = shared_from_this()](boost::system::error_code error) {
                       self->writing_waits_ = false;
                       if (!error) self->on_writable();
                     });
}

void Http1Connection::on_writable() {
  if (closed_) return;
  if (!send_pending()) return wait_writable();
  if (stream_ != nullptr) return stream_->owner()->on_writable();
  flush();
}

void Http1Connection::all_sent() {
  if (!close_when_sent_ || lingering_) return;
  // The peer reads to the end before a reset could take the answer away.
  ::shutdown(descriptor_, SHUT_WR);
  if (peer_done_) return close(end_reason_);
  lingering_ = true;
  set_deadline(kLinger);
  wait_readable();
}

// Answers of later requests can never come: an endless one stands before them.
void Http1Connection::let_go_of_requests(const Http1Exchange& but) {
  const auto later = std::move(pending_);
  pending_.clear();
  for (const auto& one : later) {
    if (one.get() != &but) one->connection_gone();
  }
}

StreamHandle* Http1Connection::start_stream(Http1Exchange& exchange, Response head,
                                            std::string start, std::unique_ptr<StreamOwner> owner) {
  const bool chunked = exchange.head().minor >= 1;
  if (out_.empty()) write_deadline_ = loop_.now() + kWriteStall;
  append_http1_stream_head(out_, head, chunked);
  out_ += start;
  reading_ = Reading::stopped;
  const auto self = shared_from_this();
  let_go_of_requests(exchange);
  stream_ = std::make_unique<Http1Stream>(
      *this, chunked ? StreamFraming::chunked : StreamFraming::plain, std::move(owner));
  send_pending();
  wait_readable();
  return stream_.get();
}

StreamHandle* Http1Connection::start_duplex(Http1Exchange& exchange, Response head,
                                            std::unique_ptr<DuplexOwner> owner) {
  if (out_.empty()) write_deadline_ = loop_.now() + kWriteStall;
  append_http1_upgrade_head(out_, head);
  const auto self = shared_from_this();
  let_go_of_requests(exchange);
  stream_ = std::make_unique<Http1Stream>(*this, std::move(owner));
  send_pending();
  // What came behind the request is taken once the owner has its handle.
  reading_ = Reading::paused;
  resumes_as_ = Reading::duplex;
  loop_.post([weak = weak_from_this()] {
    if (const auto connection = weak.lock()) connection->resume_reading();
  });
  return stream_.get();
}

void Http1Connection::end_stream(std::string pending, std::string_view last,
                                 std::string_view reason) {
  out_ += pending;
  out_ += last;
  end_reason_ = reason;
  reading_ = Reading::stopped;
  stream_.reset();
  close_when_sent_ = true;
  set_deadline(kLinger);
  write_deadline_ = loop_.now() + kLinger;
  answer_ready();
}

void Http1Connection::sweep(MonotonicTime now) {
  if (closed_) return;
  // A stream's owner watches its own frames; what stands before them is an answer like any other.
  if (!out_.empty() && now >= write_deadline_) return close("answer not taken");
  if (stream_ != nullptr) {
    if (DuplexOwner* owner = stream_->duplex()) owner->on_sweep(now);
    return;
  }
  if (reading_ == Reading::body && !lingering_) {
    const auto taken = std::chrono::duration_cast<std::chrono::seconds>(now - body_began_);
    const auto due = taken > kBodyGrace ? static_cast<uint64_t>((taken - kBodyGrace).count()) *
                                              kBodyBytesPerSecondMin
                                        : 0;
    if (body_bytes_ < due)
      refuse({408, "the body came too slowly", "Send at least 1 KiB a second."});
    return;
  }
  // Long-polls and publishes that wait for a sync set their own times.
  if (!pending_.empty() && out_.empty()) return;
  if (now < deadline_) return;
  if (head_searched_ > 0 && !lingering_) {
    head_searched_ = 0;
    return refuse(
        {408, "the request head did not end within 10 seconds", "Send the whole head at once."});
  }
  close(lingering_ ? end_reason_ : "idle");
}

void Http1Connection::drain() {
  draining_ = true;
  if (stream_ != nullptr) {
    if (DuplexOwner* owner = stream_->duplex()) owner->on_drain();
    return;
  }
  // What was not read whole by now was never begun: its client tries again elsewhere.
  const bool between =
      reading_ == Reading::head || (reading_ == Reading::paused && resumes_as_ == Reading::head);
  if (between) reading_ = Reading::stopped;
  const bool idle = pending_.empty() && reading_ == Reading::stopped;
  if (idle && out_.empty() && !close_when_sent_) close("drained");
}

std::string Http1Connection::describe() const {
  if (stream_ != nullptr) return stream_->owner_description();
  if (!pending_.empty() && !pending_.front()->description().empty())
    return pending_.front()->description();
  return fmt::format(R"("protocol":"http","requests":{})", requests_);
}

void Http1Connection::close(std::string_view reason) {
  if (closed_) return;
  closed_ = true;
  const auto self = shared_from_this();
  table_.remove(*this, reason);
  if (stream_ != nullptr) {
    if (const auto owner = stream_->take_owner()) owner->on_gone();
  }
  auto pending = std::move(pending_);
  pending_.clear();
  for (const auto& exchange : pending) exchange->connection_gone();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace carillon
